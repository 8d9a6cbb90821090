"""Answers on their way to an inbox: signed, appended in the order in which they were given, awaited.

One thread takes whatever is ready and appends it together; a lone answer never waits. Groups are small, so
that a crash leaves few unsafe calls done and unsaid.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.producers.clock import Clock
from penstock.producers.errors import LogRefused, RecordTooLarge
from penstock.producers.log import Log, Outgoing
from penstock.producers.signing import Signer
from penstock.schemas.codec import Codec, InputBody
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.frozen import quick
from penstock.schemas.headers import input_headers
from penstock.streams.background import Background
from penstock.streams.host import Appended
from penstock.streams.pace import PACE_S, Pace
from penstock.streams.spans import of_run

log = logging.getLogger("penstock.streams.answers")

GROUP_MAX: Final = 64
CLOSE_S: Final = 1.0
NEW_LOG_PAUSE_S: Final = 0.5
NEW_LOG_PAUSE_S_MAX: Final = 10.0


def _nothing() -> None:
    """Most answers have nothing to do once they are on the log."""


@quick
@dataclass(frozen=True, slots=True)
class Answer:
    """One input to send. `input_id` is derived from what it answers, so sending it twice is one input.

    `then` is called once it is on the log, by the answering thread: it mustn't block. `actor` is whose word it is;
    None: that of the service which sends it.
    """

    input_id: str
    entity_id: str
    tenant: str
    body: InputBody
    then: Callable[[], None] = _nothing
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """What it takes to make an input: where it goes, who says it, and how it is written and signed."""

    inbox: str
    group_id: str
    codec: Codec
    signer: Signer
    clock: Clock

    def outgoing(self, answer: Answer) -> Outgoing:
        """The signed record."""
        name = type(answer.body).__name__
        meta = InputMeta(
            id=answer.input_id,
            type=name,
            tenant=answer.tenant,
            entity_id=answer.entity_id,
            time_ms=self.clock.now_ms(),
            actor=answer.actor or Actor(kind="service", subject=self.group_id),
        )
        value = self.codec.encode(meta, answer.body)
        signature = self.signer.sign(name, answer.entity_id, answer.tenant, value)
        headers = input_headers(meta, self.group_id, signature, of_run(answer.entity_id))
        key = answer.entity_id.encode()
        return Outgoing(self.inbox, key, value, headers, said=(meta, answer.body))


class Answers:
    """The answering thread of one host. `open_log` makes the log that it writes to, and another if that one
    refuses."""

    def __init__(
        self,
        sender: Sender,
        open_log: Callable[[], Log],
        background: Background,
        appended: Appended | None = None,
    ) -> None:
        self._sender = sender
        self._open_log = open_log
        self._appended = appended or Appended()
        self._background = background
        self._log: Log | None = None
        self._waiting: deque[Answer] = deque()
        self._changed = threading.Condition()
        self._in_hand = 0
        self._closed = False
        self._thread = background.start("answers", self._run)

    def send(self, answer: Answer) -> None:
        """Send it soon. Waits for nothing; while the log is away answers pile up here, at most one a call."""
        with self._changed:
            self._waiting.append(answer)
            self._changed.notify_all()

    def drain(self, deadline_s: float) -> bool:
        """Wait so long for every answer to be on the log; whether they all are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._in_hand, deadline_s)

    def close(self) -> None:
        """Send nothing more, and let go of the log."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        pace = Pace(PACE_S)
        try:
            while True:
                if not self._closed:
                    pace.wait()
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting or self._closed)
                    if self._closed:
                        return
                    group = [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]
                    self._in_hand = len(group)
                pace.note(len(group))
                self._append(group)
                for answer in group:
                    answer.then()
                with self._changed:
                    self._in_hand = 0
                    self._changed.notify_all()
        finally:
            if self._log is not None:
                self._log.close()

    def _append(self, group: Sequence[Answer]) -> None:
        records = [self._sender.outgoing(answer) for answer in group]
        pause_s = NEW_LOG_PAUSE_S
        while not self._closed:
            try:
                if self._log is None:
                    self._log = self._open_log()
                self._appended(self._log.append(records))
                return
            except RecordTooLarge as error:
                records = self._without_the_largest(records, error)
            except LogRefused as error:
                log.warning(
                    "the log refused (%s): sending %d answers again over a new one", error, len(records)
                )
                if self._log is not None:
                    self._log.close()
                self._log = None
                time.sleep(pause_s)
                pause_s = min(pause_s * 2, NEW_LOG_PAUSE_S_MAX)

    def _without_the_largest(self, records: list[Outgoing], error: RecordTooLarge) -> list[Outgoing]:
        """Results are bounded far below a record's limit, so only a topic made with a lower one gets here."""
        largest = max(records, key=lambda record: len(record.value or b""))
        log.error("an answer to run %s can't be sent, its call stays open: %s", largest.key, error)
        return [record for record in records if record is not largest]
