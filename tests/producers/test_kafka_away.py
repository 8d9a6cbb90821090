"""A log whose broker is away: whoever waits for it waits for ever, until the log is told to hope no more."""

import threading
import time
from collections.abc import Callable

import pytest

from penstock.producers.errors import LogRefused
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Outgoing
from penstock.schemas.topics import RUN_INBOX

NOBODY = "127.0.0.1:1"
RECORD = Outgoing(RUN_INBOX, b"key", b"value", (), 0)
# A question that is under way takes its own time.
PATIENCE_S = 12.0

QUESTIONS: list[Callable[[KafkaLog], object]] = [
    lambda log: log.append([RECORD]),
    lambda log: log.bounds(RUN_INBOX, 0),
    lambda log: list(log.read(RUN_INBOX, 0, 0, 1)),
    lambda log: log.identity(RUN_INBOX),
]


@pytest.mark.parametrize("ask", QUESTIONS, ids=["append", "bounds", "read", "identity"])
def test_who_waits_gives_up_when_it_is_told_to_and_so_does_who_asks_later(
    ask: Callable[[KafkaLog], object],
) -> None:
    log = KafkaLog(NOBODY, "test", close_s=0)
    raised: list[Exception] = []

    def wait() -> None:
        try:
            ask(log)
        except LogRefused as error:
            raised.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    time.sleep(0.3)
    assert waiting.is_alive(), "an absent broker is waited for"
    log.give_up_after(0.2)
    waiting.join(PATIENCE_S)
    assert len(raised) == 1
    with pytest.raises(LogRefused):
        ask(log)
    log.close()
