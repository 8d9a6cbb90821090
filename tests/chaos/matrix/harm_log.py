"""Harm to the truth itself: an older copy of the broker's log beside a database that has seen more (law L4).

Nothing may go on from there, and every worker must say what to type. Then the newer log is put back.
"""

import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from penstock.runtime.exits import STAY_DOWN
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX
from tests.chaos.matrix.harm import HarmFailed, Heal
from tests.chaos.matrix.schedule import API, VIEWS, Fault
from tests.chaos.matrix.site import Site
from tests.chaos.matrix.workers import Program

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
        programs = site.workers.stop_all()
        site.broker.stop()
        _copy(kept, newer)
        _copy(older, kept)
        # What the clients still say is for the newer log.
        site.broker_proxy.refuse(True)
        site.broker.apart = True
        site.broker.start()
        _refused(site, {name: program for name, program in programs.items() if name != API})
        # What it has there is thrown away.
        site.broker.kill()
        site.broker.apart = False
        site.broker_proxy.refuse(False)
        _copy(newer, kept)
        site.broker.start()
        site.workers.resume(programs)
        return "refused by all, and put back"

    return heal


def _refused(site: Site, programs: Mapping[str, Program]) -> None:
    """Start each of them, which must end by itself with the code and the words of a refusal."""
    workers = site.workers
    said_before = {name: len(_log(site, name)) for name in programs}
    where = site.broker.bootstrap_servers
    started = {
        name: workers.start_once(name, program, KAFKA_BOOTSTRAP_SERVERS=where)
        for name, program in programs.items()
    }
    until = time.monotonic() + REFUSED_S
    for name, child in started.items():
        try:
            code = child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            code = None
            child.kill()
            child.wait()
        workers.children.running.pop(name)
        said = _log(site, name)[said_before[name] :]
        if code != STAY_DOWN or (MEND_VIEWS if name == VIEWS else MEND) not in said:
            workers.went_on.append(f"{name} on an older log: {code}, {said[-300:]}")


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


def _log(site: Site, name: str) -> str:
    return (site.workers.children.logs / f"{name}.log").read_text(errors="replace")
