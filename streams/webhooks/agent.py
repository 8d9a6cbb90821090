"""The webhooks worker: files what is noticed and posts it, over Kafka, Postgres and HTTPS."""

from collections.abc import Callable
from typing import Any, Final

from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Log
from penstock.producers.signing import Keyring
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings
from penstock.runtime.webhook_addresses import hosts_allowed
from penstock.schemas.codec import Codec, codec_for, pinned_codec
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, WEBHOOKS_GROUP
from penstock.streams.background import Background, end_this_process
from penstock.streams.effector import SAVE_EVERY_S, EffectHost
from penstock.streams.host import Appended
from penstock.streams.positions import Positions
from penstock.streams.transactions import Transactions
from penstock.streams.webhooks.effect import NoticeSnapshots, Notifying
from penstock.streams.webhooks.noticing import Noticing
from penstock.streams.webhooks.ports import Known, NoticeRows
from penstock.streams.webhooks.posting import Poster, Resolver
from penstock.streams.webhooks.senders import Posts, Senders
from penstock.streams.worker import role_app

# People are notified: a tenth of a second is nothing to them.
FETCH_MIN_BYTES: Final = 64 * 1024


def host(settings: Settings) -> EffectHost[Known]:
    """What `penstock worker webhooks` hosts."""
    migrate(settings)
    keyring, allowed = Keyring.load(settings.keys_file), hosts_allowed(settings.webhook_hosts_allowed)
    return webhooks_host(
        open_log=lambda: KafkaLog(settings.kafka_bootstrap_servers, WEBHOOKS_GROUP),
        database_url=settings.database_url,
        codec=codec_for(settings.schema_registry_url),
        background=Background(end_this_process),
        poster=lambda: Poster(keyring, allowed, Resolver()),
    )


def webhooks_host(
    *,
    open_log: Callable[[], Log],
    database_url: str,
    codec: Codec | None = None,
    background: Background,
    poster: Callable[[], Posts],
    save_every_s: float = SAVE_EVERY_S,
) -> EffectHost[Known]:
    """The same over any log; `poster` makes what posts, in the thread that does."""

    def transactions(name: str = "") -> Transactions:
        return Transactions(database_url, f"{WEBHOOKS_GROUP}{name}", background.stopping)

    senders = Senders(transactions(".posting"), background, poster)
    act = Notifying(transactions(".filing"), background, senders, senders.wake)
    made = EffectHost(
        RUN_EVENTS,
        WEBHOOKS_GROUP,
        open_log(),
        codec or pinned_codec(),
        Positions(transactions(), WEBHOOKS_GROUP, RUN_EVENTS, NoticeRows()),
        Noticing(),
        act,
        background,
        # It says nothing there; a host names a topic.
        appends_to=RUN_INBOX,
        appended=Appended(),
        save_every_s=save_every_s,
        fetch_min_bytes=FETCH_MIN_BYTES,
        snapshots=NoticeSnapshots,
    )
    senders.start()
    return made


def __getattr__(name: str) -> Any:
    """`faust -A penstock.streams.webhooks.agent:app worker --without-web` finds its app here."""
    if name == "app":
        return role_app("webhooks")
    raise AttributeError(name)
