"""The runs worker: the run decider on the runner, over Kafka and Postgres."""

import logging
import time
import uuid
from typing import Any

from penstock.declare.application import load_application
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Log, Outgoing
from penstock.producers.signing import Authority, Keyring, Signer
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings
from penstock.schemas.codec import Codec, codec_for
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.headers import input_headers
from penstock.schemas.run.records import ResumeRun, RunStalled
from penstock.schemas.topics import RUN_INBOX, RUNS_GROUP
from penstock.streams.journal import Journal
from penstock.streams.postgres_journal import PostgresJournal
from penstock.streams.runner import Runner
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.state import RunState
from penstock.streams.runs.watching import interruption
from penstock.streams.watchdog import StepWatchdog
from penstock.streams.worker import owner_name, role_app

log = logging.getLogger(RUNS_GROUP)


class RunsHost(Runner[RunState]):
    """The runner of runs; when it takes a partition it asks each stalled run whether today's code fits (L10)."""

    def __init__(
        self, decider: RunDecider, journal: Journal, log_: Log, codec: Codec, keyring: Keyring, owner: str
    ) -> None:
        super().__init__(decider, journal, log_, codec, keyring, owner)
        self._runs = decider
        self._inbox_log = log_
        self._inputs = codec
        self._signer = keyring.signer(Authority.RUNS)

    def take(self, partition: int) -> int:
        position = super().take(partition)
        resumable = [
            resume_input(state, code_hash, self._inputs, self._signer)
            for state in self.marked(partition, RunStalled.__name__).values()
            if state.stalled is not None
            and (code_hash := self._runs.loaded_code_hash(state)) != state.stalled.code_hash
        ]
        if resumable:
            log.info("%d stalled runs of partition %d try other code", len(resumable), partition)
            self._inbox_log.append(resumable)
        return position


def resume_input(state: RunState, code_hash: str, codec: Codec, signer: Signer) -> Outgoing:
    """ResumeRun for a stalled run."""
    meta = InputMeta(
        id=str(uuid.uuid4()),
        type=ResumeRun.__name__,
        tenant=state.tenant,
        entity_id=state.run_id,
        time_ms=int(time.time() * 1000),
        actor=Actor(kind="service", subject=RUNS_GROUP, roles=()),
    )
    value = codec.encode(meta, ResumeRun(code_hash=code_hash))
    signature = signer.sign(meta.type, meta.entity_id, meta.tenant, value)
    return Outgoing(RUN_INBOX, state.run_id.encode(), value, input_headers(meta, RUNS_GROUP, signature))


def host(settings: Settings) -> RunsHost:
    """What `penstock worker runs` hosts."""
    migrate(settings)
    decider = RunDecider(load_application(settings.application), StepWatchdog(interruption))
    return RunsHost(
        decider,
        PostgresJournal(settings.database_url, decider.noun),
        KafkaLog(settings.kafka_bootstrap_servers, decider.group_id),
        codec_for(settings.schema_registry_url),
        Keyring.load(settings.keys_file),
        owner_name(settings.worker_name),
    )


def __getattr__(name: str) -> Any:
    """`faust -A penstock.streams.runs.agent:app worker --without-web` finds its app here, built on demand."""
    if name == "app":
        return role_app("runs")
    raise AttributeError(name)
