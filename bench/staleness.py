"""How old what the views don't show yet is, while something else is measured.

Reads: the views' positions, four times a second, on one connection; when each event was appended comes from whoever
reads the topic anyhow. The age at a moment is that of the oldest event before it that the views had not taken in.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, TypeAlias

import psycopg

from penstock.schemas.topics import RUN_EVENTS

EVERY_S: Final = 0.25
_POSITIONS: Final = "SELECT partition, position FROM views.position WHERE topic = %s"
# (offset, the log's time in ms) of the events of each partition, in order.
Appended: TypeAlias = Mapping[int, Sequence[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Look:
    """Where the views stood, by partition, at some moment by this machine's clock."""

    at_ms: float
    positions: Mapping[int, int]


@dataclass(slots=True)
class Staleness:
    """Looks, in a thread of its own, for as long as the block lasts."""

    database_url: str
    looks: list[Look] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, name="staleness", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def ages_ms(self, appended: Appended) -> list[float]:
        """The age at each look; 0 where the views showed all there was."""
        return [max((_age_ms(look, *each) for each in appended.items()), default=0.0) for look in self.looks]

    def _look(self) -> None:
        with psycopg.connect(self.database_url, autocommit=True, application_name="bench") as connection:
            while not self._ended.wait(EVERY_S):
                # Taken before the question, so that nothing counts as late that was appended meanwhile.
                at_ms = time.time() * 1000
                self.looks.append(Look(at_ms, dict(connection.execute(_POSITIONS, (RUN_EVENTS,)).fetchall())))


def _age_ms(look: Look, partition: int, appended: Sequence[tuple[int, int]]) -> float:
    at = bisect_left(appended, (look.positions.get(partition, 0), 0))
    return max(0.0, look.at_ms - appended[at][1]) if at < len(appended) else 0.0
