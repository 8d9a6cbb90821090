"""The schedules worker's effector: fires schedules and starts their runs, over Kafka and Postgres."""

from collections.abc import Callable
from typing import Any

from penstock.producers.clock import Clock, SystemClock
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Log
from penstock.producers.signing import Authority, Keyring
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings
from penstock.schemas.codec import Codec, codec_for, pinned_codec
from penstock.schemas.topics import FIRING_GROUP, RUN_INBOX, SCHEDULE_EVENTS, SCHEDULE_INBOX
from penstock.streams.alarms import Alarms
from penstock.streams.answers import Answers, Sender
from penstock.streams.background import Background, end_this_process
from penstock.streams.effector import SAVE_EVERY_S, EffectHost
from penstock.streams.firing.effect import Firing, ScheduleFold
from penstock.streams.firing.ports import ScheduleRows, ScheduleWork
from penstock.streams.host import Appended
from penstock.streams.positions import Positions
from penstock.streams.reminders import AGAIN_FIRST_S
from penstock.streams.transactions import Transactions
from penstock.streams.worker import role_app


def host(settings: Settings) -> EffectHost[ScheduleWork]:
    """One of the two hosts of `penstock worker schedules`."""
    migrate(settings)
    return firing_host(
        open_log=lambda: KafkaLog(settings.kafka_bootstrap_servers, FIRING_GROUP),
        database_url=settings.database_url,
        keyring=Keyring.load(settings.keys_file),
        codec=codec_for(settings.schema_registry_url),
        background=Background(end_this_process),
    )


def firing_host(
    *,
    open_log: Callable[[], Log],
    database_url: str,
    keyring: Keyring,
    codec: Codec | None = None,
    background: Background,
    clock: Clock | None = None,
    again_s: float = AGAIN_FIRST_S,
    save_every_s: float = SAVE_EVERY_S,
) -> EffectHost[ScheduleWork]:
    """The same over any log; `open_log` makes one client of it at each call."""
    clock, codec = clock or SystemClock(), codec or pinned_codec()
    signer = keyring.signer(Authority.SCHEDULES)
    appended = Appended()
    schedules = Answers(
        Sender(SCHEDULE_INBOX, FIRING_GROUP, codec, signer, clock), open_log, background, appended
    )
    runs = Answers(Sender(RUN_INBOX, FIRING_GROUP, codec, signer, clock), open_log, background)
    transactions = Transactions(database_url, FIRING_GROUP, background.stopping)
    return EffectHost(
        SCHEDULE_EVENTS,
        FIRING_GROUP,
        open_log(),
        codec,
        Positions(transactions, FIRING_GROUP, SCHEDULE_EVENTS, ScheduleRows()),
        ScheduleFold(),
        Firing(schedules, runs, codec, Alarms(background), clock, again_s),
        background,
        appends_to=SCHEDULE_INBOX,
        appended=appended,
        save_every_s=save_every_s,
    )


def __getattr__(name: str) -> Any:
    """`faust -A penstock.streams.firing.agent:app worker --without-web` finds its app here."""
    if name == "app":
        return role_app("schedules")
    raise AttributeError(name)
