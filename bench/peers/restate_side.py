"""Restate: its server, one service process under Hypercorn, started and answered at the ingress by the SDK's client."""

import json
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.peers.packages import PYTHON, restate_server
from bench.peers.peer import Peer
from penstock.cli.local import ports, processes

SERVER: Final = "server"
# What Restate's documentation gives for Hypercorn in production, but for its 8 workers.
_HYPERCORN: Final = {
    "h2_max_concurrent_streams": 2147483647,
    "keep_alive_max_requests": 2147483647,
    "keep_alive_timeout": 2147483647,
}


@dataclass(frozen=True, slots=True)
class Tuning:
    """`server` is environment of the server, `hypercorn` its configuration; `client` is `lean` or `httpx`."""

    workflow: str
    server: Mapping[str, str] = field(default_factory=dict)
    hypercorn: Mapping[str, object] = field(default_factory=dict)
    client: str = "lean"


INSTALLED: Final = Tuning("review")
BEST: Final = Tuning("review", server={"RESTATE_DEFAULT_NUM_PARTITIONS": "1"})


class Restate(Peer):
    """One server with all roles, one service process."""

    def __init__(self, name: str, home: Path, tuning: Tuning) -> None:
        super().__init__(name, home, tuning.workflow, "restate_load.py")
        self._tuning = tuning
        self._ports = ports.remembered(home / "ports.json", ("ingress", "admin", "node", "service"))
        configuration = _HYPERCORN | dict(tuning.hypercorn)
        self._hypercorn = home / "hypercorn.toml"
        self._hypercorn.write_text("".join(f"{key} = {json.dumps(v)}\n" for key, v in configuration.items()))
        self._registered = False

    def environment(self) -> dict[str, str]:
        """With the ingress and the choice of a client."""
        mine = {"PEERS_INGRESS": self._url("ingress"), "PEERS_CLIENT": self._tuning.client}
        return super().environment() | mine

    def command(self) -> Sequence[str]:
        """The service."""
        where = ("--config", str(self._hypercorn), "--bind", f"{ports.HOST}:{self._ports['service']}")
        return [str(PYTHON), "-m", "hypercorn", *where, "restate_service:app"]

    def settings(self) -> dict[str, object]:
        """Beside what is as installed."""
        chosen = {"workflow": self._tuning.workflow, "client": self._tuning.client}
        return {**chosen, **self._tuning.server, **self._tuning.hypercorn}

    def serve(self) -> None:
        """Start the server; it has nothing to call before a worker has begun."""
        own = {
            "RESTATE_DISABLE_TELEMETRY": "true",
            "RESTATE_INGRESS__BIND_ADDRESS": f"{ports.HOST}:{self._ports['ingress']}",
            "RESTATE_ADMIN__BIND_ADDRESS": f"{ports.HOST}:{self._ports['admin']}",
            "RESTATE_BIND_ADDRESS": f"{ports.HOST}:{self._ports['node']}",
            "RESTATE_ADVERTISED_ADDRESS": self._url("node"),
        }
        words = ("--no-logo", "--listen-mode", "tcp", "--node-name", "bench", "--base-dir")
        argv = [str(restate_server()), *words, str(self.home / "data")]
        started = self.spawn(SERVER, argv, {**own, **self._tuning.server})
        self.servers[SERVER] = started.process

    def stop_server(self) -> None:
        """Stop it."""
        for process in self.servers.values():
            processes.stop(process, deadline_s=20)

    def worker_ready(self) -> bool:
        """Listening; and once, the server must hear of it and have looked at it."""
        return ports.answers(self._ports["service"]) and self._known()

    def _known(self) -> bool:
        if not self._registered:
            body = json.dumps({"uri": self._url("service")}).encode()
            words = urllib.request.Request(
                f"{self._url('admin')}/deployments", body, {"content-type": "application/json"}
            )
            try:
                urllib.request.urlopen(words, timeout=10).close()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                return False
            self._registered = True
        return True

    def _url(self, name: str) -> str:
        return f"http://{ports.HOST}:{self._ports[name]}"


@contextmanager
def restate(tell: Callable[[str], None], name: str = "restate", tuning: Tuning = BEST) -> Iterator[Restate]:
    """Its server stands until the block is left."""
    home = Path(tempfile.mkdtemp(prefix="penstock-peers-"))
    with ExitStack() as leaving:
        leaving.callback(shutil.rmtree, home, ignore_errors=True)
        made = Restate(name, home, tuning)
        leaving.callback(made.stop_server)
        tell("starting Restate's server")
        made.serve()
        leaving.callback(made.end)
        yield made
