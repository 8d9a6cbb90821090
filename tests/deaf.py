"""A consumer that brings nothing of some partitions any more, without a word, as librdkafka does at times."""

from collections.abc import Sequence
from typing import Any, Literal

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from penstock.runtime import stalls

Until = Literal["assigned", "closed"]


class Deaf(Consumer):
    """All that a process has made, in their order, are in `made`."""

    made: list["Deaf"] = []  # noqa: RUF012 emptied by `deaf_consumers`

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self.made.append(self)
        self._unheard: frozenset[int] = frozenset()
        self._until: Until = "assigned"

    def hear_nothing_of(self, *partitions: int, until: Until) -> None:
        """Until they are assigned anew, or for good."""
        self._until = until
        self._unheard = frozenset(partitions)

    def poll(self, *words: Any, **named: Any) -> Message | None:
        message = super().poll(*words, **named)
        return message if message is not None and self._hears(message) else None

    def consume(self, *words: Any, **named: Any) -> list[Message]:
        return [message for message in super().consume(*words, **named) if self._hears(message)]

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        super().assign(list(partitions))
        if self._until == "assigned":
            self._unheard = frozenset()

    def _hears(self, message: Message) -> bool:
        return message.partition() not in self._unheard


def deaf_consumers(monkeypatch: pytest.MonkeyPatch, module: str) -> list[Deaf]:
    """Have that module make such consumers, and have them looked at often; the list of them."""
    monkeypatch.setattr(f"{module}.Consumer", Deaf)
    monkeypatch.setattr(stalls, "LOOK_EVERY_S", 1.0)
    # A poll that brings nothing takes half a second: there may be one turn between two looks.
    monkeypatch.setattr(stalls, "TURNS_MIN", 1)
    Deaf.made.clear()
    return Deaf.made
