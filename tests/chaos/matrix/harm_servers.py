"""Harm to the servers and to what lies between them and the workers.

A harm is a function that does it and returns how it is healed; healing says what came of it, for the results.
"""

import threading
import time
from typing import Final

from tests.chaos.matrix.harm import Heal, healed, meanwhile, told
from tests.chaos.matrix.proxy import Proxy
from tests.chaos.matrix.schedule import Fault
from tests.chaos.matrix.site import Site

CUT_EVERY_S: Final = 1.5
NO_SPACE: Final = "No space left on device"


def broker_stopped(site: Site, fault: Fault) -> Heal:
    """The broker is away, stopped in order or killed."""
    (site.broker.stop if fault.gracefully else site.broker.kill)()
    return lambda: told(site.broker.start)


def postgres_stopped(site: Site, fault: Fault) -> Heal:
    """Postgres is away, stopped in order or killed."""
    (site.database.stop if fault.gracefully else site.database.kill)()
    return lambda: told(site.database.start)


def power_cut(site: Site, fault: Fault) -> Heal:
    """Everything dies in one moment; the servers come back, with what they had on disk."""
    site.broker.kill()
    site.database.kill()
    for name in site.workers.names():
        site.workers.kill(name)
    return lambda: told(site.revive)


def database_dropped(site: Site, fault: Fault) -> Heal:
    """An empty database in the place of the one there was; who was subscribed subscribes anew."""
    site.databases.drop()
    site.hooks.subscribe(site.database_url, site.keyring)
    return healed


def database_restored(site: Site, fault: Fault) -> Heal:
    """An older dump in the place of what there is."""
    site.databases.dump()
    return lambda: told(site.databases.restore)


def connections_terminated(site: Site, fault: Fault) -> Heal:
    """Every connection to the database, three times."""
    for _ in range(3):
        site.databases.terminate()
        time.sleep(0.3)
    return healed


def connections_cut(site: Site, fault: Fault) -> Heal:
    """Reset again and again, and refused for half of the time."""
    proxies, done = _proxies(site, fault), threading.Event()

    def cut() -> None:
        refusing = False
        while not done.is_set():
            refusing = not refusing
            for proxy in proxies:
                proxy.refuse(refusing)
                proxy.cut()
            done.wait(CUT_EVERY_S / 2)
        for proxy in proxies:
            proxy.refuse(False)

    return meanwhile(cut, done)


def silence(site: Site, fault: Fault) -> Heal:
    """Connections stay open and nothing comes through."""
    proxies = _proxies(site, fault)
    for proxy in proxies:
        proxy.silence(True)

    def heal() -> str:
        for proxy in proxies:
            proxy.silence(False)
        return ""

    return heal


def disk_full(site: Site, fault: Fault) -> Heal:
    """The disk of one server takes no more; room is made, and the server started again if it has ended."""
    name = fault.kind.rpartition("-")[2]
    disk = site.disks[name]
    if disk.refused:
        return lambda: f"skipped: {disk.refused}"
    server = site.broker if name == "broker" else site.database
    met_before = server.log_file.read_text(errors="replace").count(NO_SPACE)
    disk.fill()

    def heal() -> str:
        disk.empty()
        survived = server.process() is not None
        if survived:
            # It may have taken a directory out of use for good: who makes room restarts the server.
            server.stop()
        server.start()
        met = server.log_file.read_text(errors="replace").count(NO_SPACE) - met_before
        return f"met {met} times, the server {'lived on' if survived else 'ended'}"

    return heal


def _proxies(site: Site, fault: Fault) -> list[Proxy]:
    chosen = {"broker": [site.broker_proxy], "postgres": [site.database_proxy]}
    return chosen.get(fault.server) or [site.broker_proxy, site.database_proxy]
