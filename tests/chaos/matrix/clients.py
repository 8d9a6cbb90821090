"""Who speaks to the site: an app over the SDK, a person over HTTP, a supervisor and an operator.

Whatever isn't acknowledged is said again, under the same key or id, until it is.
"""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import httpx

from penstock.cli.local import ports
from penstock.producers.errors import LogError
from penstock.producers.publisher import Publisher
from penstock.producers.receipt import Receipt
from penstock.producers.runs import RunClient
from penstock.producers.schedules import ScheduleClient
from penstock.producers.signing import Authority, Keyring
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor
from penstock.schemas.ids import derived_id
from tests.chaos.matrix.remembering import RememberingLog

TENANT: Final = "local"
# Has schedules, and is told of their runs; nobody starts runs there by hand.
NEIGHBOUR: Final = "neighbour"
APP: Final = Actor(kind="app", subject="app:local", roles=("analyst",))
SAM: Final = Actor(kind="person", subject="sam", roles=("supervisor", "operator"))
OLGA: Final = Actor(kind="person", subject="olga", roles=("operator",))
HTTP_S: Final = 12.0
AGAIN_S: Final = 0.3


@dataclass(slots=True)
class Clients:
    """One log and one publisher for each authority. `say` is for everything but starts."""

    kafka: str
    keyring: Keyring
    api_port: int
    api_key: str
    log: RememberingLog = field(init=False)
    _publishers: dict[Authority, Publisher] = field(default_factory=dict)
    _said: dict[str, Receipt] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = RememberingLog(self.kafka, "chaos", close_s=2)

    @property
    def app(self) -> RunClient:
        """Starts and cancels."""
        return RunClient(self.publisher(Authority.APP), TENANT, APP)

    @property
    def sam(self) -> RunClient:
        """Votes."""
        return RunClient(self.publisher(Authority.API), TENANT, SAM)

    def olga(self, tenant: str = TENANT) -> RunClient:
        """Settles, releases and discards."""
        return RunClient(self.publisher(Authority.OPERATOR), tenant, OLGA)

    def schedules(self, tenant: str) -> ScheduleClient:
        """Makes schedules, and changes them."""
        return ScheduleClient(self.publisher(Authority.API), tenant, OLGA)

    def publisher(self, authority: Authority) -> Publisher:
        """The publisher that signs as that authority."""
        if authority not in self._publishers:
            signer = self.keyring.signer(authority)
            self._publishers[authority] = Publisher(self.log, pinned_codec(), signer, "chaos")
        return self._publishers[authority]

    def say(self, name: str, speak: Callable[..., Receipt]) -> None:
        """Say it once under an id made of its name; again only if the log refused it. Doesn't wait."""
        receipt = self._said.get(name)
        if receipt is not None and not (receipt.is_done and _refused(receipt)):
            return
        self._said[name] = speak(input_id=derived_id(str(uuid.NAMESPACE_OID), name))

    def acknowledged(self) -> int:
        """How much of what was said beside starts the log has."""
        return sum(receipt.is_done and not _refused(receipt) for receipt in list(self._said.values()))

    def start_over_http(self, case_id: str, key: str, giving_up: threading.Event) -> str | None:
        """POST /case-review until it is accepted: the run's id. None if it was given up."""
        headers = {"Authorization": f"Bearer {self.api_key}", "Idempotency-Key": key}
        while not giving_up.is_set():
            try:
                answer = httpx.post(
                    f"http://{ports.HOST}:{self.api_port}/case-review",
                    json={"case_id": case_id},
                    headers=headers,
                    timeout=HTTP_S,
                )
            except httpx.HTTPError:
                time.sleep(AGAIN_S)
                continue
            if answer.status_code == 202:
                return str(answer.json()["task_id"])
            if answer.status_code < 500:
                raise AssertionError(f"POST /case-review answered {answer.status_code}: {answer.text}")
            time.sleep(AGAIN_S)
        return None

    def close(self) -> None:
        """Let go; what isn't acknowledged by now never was."""
        for publisher in self._publishers.values():
            try:
                publisher.close(1)
            except LogError:
                continue
        self.log.close()


def _refused(receipt: Receipt) -> bool:
    try:
        receipt.wait(0)
    except LogError:
        return True
    return False
