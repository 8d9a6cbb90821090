"""Harm to the workers: killed, frozen, more of them, fewer, other code, another clock.

A harm is a function that does it and returns how it is healed; healing says what came of it, for the results.
"""

import signal
import threading
import time
from typing import Final

from penstock.runtime.postgres import Migration, migrate, migrations
from tests.chaos.matrix import skewed
from tests.chaos.matrix.harm import FIRED, NEVER_FIRED, Heal, healed, meanwhile
from tests.chaos.matrix.schedule import API, Fault
from tests.chaos.matrix.site import NEXT_APPLICATION, Site

JOIN_EVERY_S: Final = 2.0
# A worker that starts on a busy machine, behind an outage, and then as many visits as were drawn.
REACH_S: Final = 90.0
# What the last page of a log still takes is all that fits.
HOME_LEFT_BYTES: Final = 0
TABLES: Final = (
    "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('penstock', 'views')"
)


def kill(site: Site, fault: Fault) -> Heal:
    """SIGKILL, now."""
    site.workers.kill(fault.role)
    return healed


def kill_at(site: Site, fault: Fault) -> Heal:
    """SIGKILL, and again when a next life visits a point for the nth time: waited for while runs trickle in."""
    site.workers.arm(fault.role, fault.point, fault.visits)
    until = time.monotonic() + REACH_S

    def heal() -> str | None:
        if site.workers.fired(fault.role):
            return FIRED
        if time.monotonic() < until:
            return None
        site.workers.disarm(fault.role)
        return NEVER_FIRED

    return heal


def freeze(site: Site, fault: Fault) -> Heal:
    """SIGSTOP until others own what it had; then it wakes up, as a zombie."""
    child = site.workers.freeze(fault.role)
    second = f"{fault.role}-2"
    if fault.helped:
        site.workers.start(fault.role, second)

    def heal() -> str:
        child.send_signal(signal.SIGCONT)
        time.sleep(2)
        if fault.helped:
            site.workers.stop(second)
        return "with a second worker" if fault.helped else "alone"

    return heal


def doubled(site: Site, fault: Fault) -> Heal:
    """A second worker for each role; later they leave in order."""
    seconds = [(role, f"{role}-2") for role in site.roles if role != API]
    for role, second in seconds:
        site.workers.start(role, second)

    def heal() -> str:
        site.workers.stop(*(second for _, second in seconds))
        return ""

    return heal


def halved(site: Site, fault: Fault) -> Heal:
    """The second workers come, and the first ones go for a while: in order, or by SIGKILL."""
    seconds = [(role, f"{role}-2") for role in site.roles if role != API]
    for role, second in seconds:
        site.workers.start(role, second)
    site.workers.up()
    firsts = [role for role, _ in seconds]
    if fault.gracefully:
        site.workers.stop(*firsts)
    for role in firsts:
        site.workers.end(role)

    def heal() -> str:
        for role in firsts:
            site.workers.start(role)
        site.workers.stop(*(second for _, second in seconds))
        return ""

    return heal


def next_version(site: Site, fault: Fault) -> Heal:
    """A migration, then the next version of the code: beside the old one, then in its place."""
    site.started += 1
    note = f"matrix_{site.started}"
    with site.connect() as connection:
        tables = [str(row[0]) for row in connection.execute(TABLES)]
    _migrate(
        site, f"9{site.started:03d}_add.sql", [f"ALTER TABLE {t} ADD COLUMN {note} text" for t in tables]
    )
    code = {"PENSTOCK_APPLICATION": NEXT_APPLICATION}
    for role in site.hosts:
        site.workers.start(role, f"{role}-2", environment=code)
    site.workers.up()
    site.workers.code = code
    site.workers.stop(*site.hosts, API)
    for role in (*site.hosts, API):
        site.workers.start(role)
    site.workers.stop(*(f"{role}-2" for role in site.hosts))
    _migrate(site, f"9{site.started:03d}_drop.sql", [f"ALTER TABLE {t} DROP COLUMN {note}" for t in tables])

    def back() -> None:
        site.workers.code = {}
        site.workers.stop(*site.hosts, API)
        for role in (*site.hosts, API):
            site.workers.start(role)

    site.afterwards.append(back)
    return healed


def clock(site: Site, fault: Fault) -> Heal:
    """The worker's calendar is wrong."""
    site.workers.stop(fault.role)
    site.workers.start(fault.role, module=skewed.__name__, environment={skewed.OFFSET: str(fault.skew_s)})

    def heal() -> str:
        site.workers.stop(fault.role)
        site.workers.start(fault.role)
        return ""

    return heal


def home_full(site: Site, fault: Fault) -> Heal:
    """PENSTOCK_HOME, where a worker's log goes too, takes no more; and a worker starts on it."""
    disk = site.disks["home"]
    if disk.refused:
        return lambda: f"skipped: {disk.refused}"
    disk.fill(HOME_LEFT_BYTES)
    site.workers.kill(fault.role)

    def heal() -> str:
        full = disk.is_full()
        disk.empty()
        return "to the last byte" if full else ""

    return heal


def rebalances(site: Site, fault: Fault) -> Heal:
    """A worker more, a worker less, every two seconds: leaving in order, or killed."""
    done = threading.Event()

    def come_and_go() -> None:
        for turn in range(1000):
            if done.is_set():
                return
            name = f"{fault.role}-j{turn % 2}"
            if name in site.workers.names():
                (site.workers.stop if turn % 4 < 2 else site.workers.end)(name)
            site.workers.start(fault.role, name)
            done.wait(JOIN_EVERY_S)

    stop = meanwhile(come_and_go, done)

    def heal() -> str:
        stop()
        site.workers.stop(*(f"{fault.role}-j{turn}" for turn in range(2)))
        return ""

    return heal


def _migrate(site: Site, name: str, statements: list[str]) -> None:
    migration = Migration(name, ";\n".join(statements).encode())
    migrate(site.database_url, known=(*migrations(), migration))
