"""The tools worker: claims and calls tools, over Kafka and Postgres."""

import logging
from collections.abc import Callable
from typing import Any, Final

from penstock.declare.application import load_application
from penstock.declare.tools import Tool
from penstock.producers.callbacks import CallbackTokens
from penstock.producers.clock import SystemClock
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Log
from penstock.producers.signing import Authority, Keyring
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings
from penstock.schemas.codec import Codec, codec_for, pinned_codec
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, TOOLS_GROUP
from penstock.streams.alarms import Alarms
from penstock.streams.answers import Answers, Sender
from penstock.streams.background import Background, end_this_process
from penstock.streams.effector import SAVE_EVERY_S, EffectHost
from penstock.streams.host import Appended
from penstock.streams.leases import Leases, boot_ms, lease_ms_for
from penstock.streams.observed import CountedCalls
from penstock.streams.positions import Positions
from penstock.streams.tools.calling import Calling
from penstock.streams.tools.deferring import Deferring
from penstock.streams.tools.fold import CallFold
from penstock.streams.tools.ports import CallRows, Open, Toolbox
from penstock.streams.tools.shares import Shares
from penstock.streams.transactions import Transactions
from penstock.streams.worker import owner_name, role_app

log = logging.getLogger(TOOLS_GROUP)

LEASE_IS_LONGER: Final = "leases last %d ms, not %d, so that they cover the longest unsafe tool"


def host(settings: Settings) -> EffectHost[Open]:
    """What `penstock worker tools` hosts."""
    migrate(settings)
    application = load_application(settings.application)
    return tools_host(
        toolbox=application,
        tools=application.tools,
        open_log=lambda: KafkaLog(settings.kafka_bootstrap_servers, TOOLS_GROUP),
        database_url=settings.database_url,
        keyring=Keyring.load(settings.keys_file),
        codec=codec_for(settings.schema_registry_url),
        worker=owner_name(settings.worker_name),
        wanted_lease_ms=settings.lease_ms,
        background=Background(end_this_process),
        public_url=settings.api_public_url,
    )


def tools_host(
    *,
    toolbox: Toolbox,
    tools: tuple[Tool[object], ...],
    open_log: Callable[[], Log],
    database_url: str,
    keyring: Keyring,
    codec: Codec | None = None,
    worker: str,
    wanted_lease_ms: int,
    background: Background,
    clock_ms: Callable[[], int] = boot_ms,
    save_every_s: float = SAVE_EVERY_S,
    public_url: str = "",
) -> EffectHost[Open]:
    """The same over any log; `open_log` makes one client of it at each call. Raises NoSuchKey where a tool is
    deferrable and the ring has no key for callbacks."""
    longest_ms = max((tool.timeout_ms for tool in tools if tool.effect == "unsafe"), default=0)
    lease_ms = lease_ms_for(wanted_lease_ms, longest_ms)
    if lease_ms != wanted_lease_ms:
        log.info(LEASE_IS_LONGER, lease_ms, wanted_lease_ms)
    clock, codec = SystemClock(), codec or pinned_codec()
    observer = CountedCalls()
    leases = Leases(
        Transactions(database_url, f"{TOOLS_GROUP}.lease", background.stopping),
        background,
        TOOLS_GROUP,
        worker,
        lease_ms,
        clock_ms,
        observer,
    )
    sender = Sender(RUN_INBOX, TOOLS_GROUP, codec, keyring.signer(Authority.TOOLS), clock)
    appended = Appended()
    answers = Answers(sender, open_log, background, appended)
    shares = Shares(Transactions(database_url, f"{TOOLS_GROUP}.limits", background.stopping), background)
    alarms = Alarms(background)
    deferrable = any(tool.deferred_ms is not None for tool in tools)
    deferring = Deferring(CallbackTokens(keyring) if deferrable else None, clock, public_url)
    calling = Calling(toolbox, leases, answers, alarms, background, clock, observer, shares, codec, deferring)
    transactions = Transactions(database_url, TOOLS_GROUP, background.stopping)
    made = EffectHost(
        RUN_EVENTS,
        TOOLS_GROUP,
        open_log(),
        codec,
        Positions(transactions, TOOLS_GROUP, RUN_EVENTS, CallRows(codec)),
        CallFold(),
        calling,
        background,
        appends_to=RUN_INBOX,
        appended=appended,
        save_every_s=save_every_s,
    )
    leases.start()
    return made


def __getattr__(name: str) -> Any:
    """`faust -A penstock.streams.tools.agent:app worker --without-web` finds its app here."""
    if name == "app":
        return role_app("tools")
    raise AttributeError(name)
