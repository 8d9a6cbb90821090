"""The timers worker: fires timers, over Kafka and Postgres."""

from collections.abc import Callable
from typing import Any, Final

from penstock.producers.clock import Clock, SystemClock
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Log
from penstock.producers.signing import Authority, Keyring
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings
from penstock.schemas.codec import Codec, codec_for, pinned_codec
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, TIMERS_GROUP
from penstock.streams.alarms import Alarms
from penstock.streams.answers import Answers, Sender
from penstock.streams.background import Background, end_this_process
from penstock.streams.effector import SAVE_EVERY_S, EffectHost
from penstock.streams.host import Appended
from penstock.streams.positions import Positions
from penstock.streams.reminders import AGAIN_FIRST_S
from penstock.streams.timers.effect import Firing, TimerFold
from penstock.streams.timers.ports import ArmedTimer, TimerRows
from penstock.streams.transactions import Transactions
from penstock.streams.worker import role_app

# Nothing here is in a hurry of less than a tenth of a second, and few events concern timers at all.
FETCH_MIN_BYTES: Final = 64 * 1024


def host(settings: Settings) -> EffectHost[ArmedTimer]:
    """What `penstock worker timers` hosts."""
    migrate(settings)
    return timers_host(
        open_log=lambda: KafkaLog(settings.kafka_bootstrap_servers, TIMERS_GROUP),
        database_url=settings.database_url,
        keyring=Keyring.load(settings.keys_file),
        codec=codec_for(settings.schema_registry_url),
        background=Background(end_this_process),
    )


def timers_host(
    *,
    open_log: Callable[[], Log],
    database_url: str,
    keyring: Keyring,
    codec: Codec | None = None,
    background: Background,
    clock: Clock | None = None,
    again_s: float = AGAIN_FIRST_S,
    save_every_s: float = SAVE_EVERY_S,
) -> EffectHost[ArmedTimer]:
    """The same over any log; `open_log` makes one client of it at each call."""
    clock, codec = clock or SystemClock(), codec or pinned_codec()
    sender = Sender(RUN_INBOX, TIMERS_GROUP, codec, keyring.signer(Authority.TIMERS), clock)
    appended = Appended()
    answers = Answers(sender, open_log, background, appended)
    transactions = Transactions(database_url, TIMERS_GROUP, background.stopping)
    return EffectHost(
        RUN_EVENTS,
        TIMERS_GROUP,
        open_log(),
        codec,
        Positions(transactions, TIMERS_GROUP, RUN_EVENTS, TimerRows()),
        TimerFold(),
        Firing(answers, Alarms(background), clock, again_s),
        background,
        appends_to=RUN_INBOX,
        appended=appended,
        save_every_s=save_every_s,
        fetch_min_bytes=FETCH_MIN_BYTES,
    )


def __getattr__(name: str) -> Any:
    """`faust -A penstock.streams.timers.agent:app worker --without-web` finds its app here."""
    if name == "app":
        return role_app("timers")
    raise AttributeError(name)
