"""What the tests of the producers are made of."""

import secrets
from collections.abc import Callable, Sequence

import pytest
from tests.producers.samples import RUN, Records

from penstock.producers.clock import FakeClock
from penstock.producers.log import Outgoing
from penstock.producers.memory import MemoryLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas import ids
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.run.records import CancelRun


@pytest.fixture
def clock() -> FakeClock:
    """A clock that only the test moves."""
    return FakeClock()


@pytest.fixture
def log(clock: FakeClock) -> MemoryLog:
    """An in-memory log of the catalogue's topics, and of one of three partitions."""
    return MemoryLog(clock=clock)


@pytest.fixture
def keyring() -> Keyring:
    """A key of an app and one of the tools' service."""
    return Keyring(
        [
            Key("app:local", secrets.token_bytes(32), Authority.APP, "local"),
            Key("tools", secrets.token_bytes(32), Authority.TOOLS),
        ]
    )


@pytest.fixture
def publisher(log: MemoryLog, keyring: Keyring) -> Publisher:
    """An app's publisher on the in-memory log, which holds at most three records and waits for 0.05 s."""
    return Publisher(
        log,
        pinned_codec(),
        keyring.signer(Authority.APP),
        "tests",
        buffer_records_max=3,
        buffer_wait_s=0.05,
    )


@pytest.fixture
def make_records() -> Records:
    """`make_records(topic, 3, tag="a")`: records whose values tell tag and number, each with its own key."""

    def make(
        topic: str, count: int, *, tag: str = "r", key: bytes | None = None, size_bytes: int = 0
    ) -> Sequence[Outgoing]:
        return [
            Outgoing(
                topic=topic,
                key=key if key is not None else f"{tag}-key-{number}".encode(),
                value=f"{tag}:{number}".encode().ljust(size_bytes, b"."),
                headers=(("number", str(number).encode()), ("tag", tag.encode())),
            )
            for number in range(count)
        ]

    return make


@pytest.fixture
def cancel() -> Callable[..., tuple[InputMeta, CancelRun]]:
    """`cancel(number)`: the number-th request to cancel the run, with an id that follows from the number."""

    def make(number: int = 0, *, tenant: str = "local", run_id: str = RUN) -> tuple[InputMeta, CancelRun]:
        meta = InputMeta(
            id=ids.derived_id(run_id, f"cancel:{number}"),
            type="CancelRun",
            tenant=tenant,
            entity_id=run_id,
            time_ms=1_750_000_000_000 + number,
            actor=Actor(kind="app", subject="app:local"),
        )
        return meta, CancelRun(reason=f"test {number}")

    return make
