"""The schedules worker's decider: the schedule decider on the runner, over Kafka and Postgres."""

from typing import Any

from penstock.producers.kafka import KafkaLog
from penstock.producers.signing import Keyring
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings
from penstock.schemas.codec import codec_for
from penstock.streams.postgres_journal import PostgresJournal
from penstock.streams.runner import Runner
from penstock.streams.schedules.decision import ScheduleDecider
from penstock.streams.schedules.state import ScheduleState
from penstock.streams.worker import owner_name, role_app


def host(settings: Settings) -> Runner[ScheduleState]:
    """One of the two hosts of `penstock worker schedules`."""
    migrate(settings)
    decider = ScheduleDecider()
    return Runner(
        decider,
        PostgresJournal(settings.database_url, decider.noun),
        KafkaLog(settings.kafka_bootstrap_servers, decider.group_id),
        codec_for(settings.schema_registry_url),
        Keyring.load(settings.keys_file),
        owner_name(settings.worker_name),
    )


def __getattr__(name: str) -> Any:
    """`faust -A penstock.streams.schedules.agent:app worker --without-web` finds its app here, built on demand."""
    if name == "app":
        return role_app("schedules")
    raise AttributeError(name)
