"""The runs worker: the run decider on the runner, over Kafka and Postgres."""

from typing import Any

from penstock.declare.application import load_application
from penstock.producers.kafka import KafkaLog
from penstock.producers.signing import Keyring
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings
from penstock.schemas.codec import pinned_codec
from penstock.streams.runner import Runner
from penstock.streams.runs.decision import RunDecider
from penstock.streams.worker import owner_name, role_app
from penstock.streams.postgres_journal import PostgresJournal


def host(settings: Settings) -> Runner[Any]:
    """What `penstock worker runs` hosts."""
    migrate(settings)
    decider = RunDecider(load_application(settings.application))
    return Runner(
        decider,
        PostgresJournal(settings.database_url, decider.noun),
        KafkaLog(settings.kafka_bootstrap_servers, decider.group_id),
        pinned_codec(),
        Keyring.load(settings.keys_file),
        owner_name(settings.worker_name),
    )


def __getattr__(name: str) -> Any:
    """`faust -A penstock.streams.runs.agent:app worker --without-web` finds its app here, built on demand."""
    if name == "app":
        return role_app("runs")
    raise AttributeError(name)
