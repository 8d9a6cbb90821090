"""Harm to the truth itself: an older copy of the broker's log beside a database that has seen more (law L4).

Nothing may go on from there, and every worker must say what to type. Then the newer log is put back.
"""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from penstock.runtime.exits import STAY_DOWN
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX
from tests.chaos.matrix.harm import HarmFailed, Heal
from tests.chaos.matrix.schedule import API, VIEWS, Fault
from tests.chaos.matrix.site import Site

GROWN_RECORDS: Final = 40
GROWN_S: Final = 60.0
REFUSED_S: Final = 60.0
# What a worker says to who has put the wrong log there, and what one of the views says.
MEND: Final = "penstock reset-derived"
MEND_VIEWS: Final = "penstock rebuild-views"


def log_restored(site: Site, fault: Fault) -> Heal:
    """A copy of the log now; later every worker is started on it, after all of them have seen more."""
    kept = site.disks["broker"].directory
    older, newer = site.home / "older", site.home / "newer"
    site.broker.stop()
    _copy(kept, older)
    site.broker.start()
    before = _ends(site)

    def heal() -> str:
        _wait_for_growth(site, before)
        for name in site.workers.names():
            site.workers.stop(name)
        site.broker.stop()
        _copy(kept, newer)
        _copy(older, kept)
        # What the clients still say is for the newer log.
        site.broker_proxy.refuse(True)
        site.broker.apart = True
        site.broker.start()
        _refused(site, [role for role in site.roles if role != API])
        site.broker.stop()
        site.broker.apart = False
        site.broker_proxy.refuse(False)
        _copy(newer, kept)
        site.broker.start()
        for role in site.roles:
            site.workers.start(role)
        return "refused by all, and put back"

    return heal


def _refused(site: Site, roles: Sequence[str]) -> None:
    """Start a worker of each role, which must end by itself with the code and the words of a refusal."""
    children = site.workers.children
    said_before = {role: len(_log(site, role)) for role in roles}
    where = {"KAFKA_BOOTSTRAP_SERVERS": site.broker.bootstrap_servers}
    started = {role: site.workers.start_once(role, where) for role in roles}
    until = time.monotonic() + REFUSED_S
    for role, child in started.items():
        try:
            code = child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            code = None
            child.kill()
            child.wait()
        children.running.pop(role)
        said = _log(site, role)[said_before[role] :]
        if code != STAY_DOWN or (MEND_VIEWS if role == VIEWS else MEND) not in said:
            site.workers.went_on.append(f"{role} on an older log: {code}, {said[-300:]}")


def _ends(site: Site) -> int:
    """How much stands on inbox and events."""
    log = site.clients.log
    return sum(
        log.bounds(topic, partition)[1]
        for topic in (RUN_INBOX, RUN_EVENTS)
        for partition in range(log.partitions(topic))
    )


def _wait_for_growth(site: Site, before: int) -> None:
    """Until every worker has surely seen, and written down, more than the copy holds."""
    until = time.monotonic() + GROWN_S
    while _ends(site) < before + GROWN_RECORDS:
        if time.monotonic() > until:
            raise HarmFailed("nothing came after the copy of the log, so nobody can miss it")
        time.sleep(0.5)
    time.sleep(3)


def _copy(source: Path, target: Path) -> None:
    """Put what `source` holds in the place of what `target` holds; indexes have holes, so cp does it."""
    target.mkdir(exist_ok=True)
    for entry in target.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)


def _log(site: Site, role: str) -> str:
    return (site.workers.children.logs / f"{role}.log").read_text(errors="replace")
