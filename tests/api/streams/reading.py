"""A client of event streams, as the standard describes one: lines into events, and the last id."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

STREAM = {"Accept": "text/event-stream"}


@dataclass
class Reader:
    """What came. `last_id` is what a client sends when it comes back."""

    last_id: str | None = None
    events: list[tuple[str | None, str, Any]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    retry_ms: int | None = None
    status: int = 0

    @property
    def seqs(self) -> list[int]:
        return [shown["seq"] for _, kind, shown in self.events if kind != "end"]

    @property
    def ended(self) -> bool:
        return any(kind == "end" for _, kind, _ in self.events)

    def histories(self) -> dict[str, list[int]]:
        """The seqs of each run, of a tenant's stream."""
        found: dict[str, list[int]] = {}
        for _, _, shown in self.events:
            found.setdefault(shown["run_id"], []).append(shown["seq"])
        return found

    def line(self, line: str, fields: dict[str, str]) -> bool:
        """Take a line; whether it completed an event. `fields` holds those of the event so far."""
        if not line:
            data, kind = fields.pop("data", None), fields.pop("event", "message")
            # Only a whole event moves the id on, as the standard says.
            self.last_id = fields.pop("id", self.last_id)
            if data is None:
                return False
            self.events.append((self.last_id, kind, json.loads(data)))
            return True
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            self.comments.append(value)
        elif name == "retry":
            self.retry_ms = int(value)
        else:
            fields[name] = value
        return False

    def read(
        self,
        client: httpx.Client,
        path: str,
        headers: Mapping[str, str],
        enough: Callable[["Reader"], bool] = lambda reader: False,
    ) -> "Reader":
        """Read until the stream ends or it is enough; with the last id, if there is one."""
        again = {} if self.last_id is None else {"Last-Event-ID": self.last_id}
        with client.stream("GET", path, headers={**STREAM, **headers, **again}) as answer:
            self.status = answer.status_code
            if answer.status_code != httpx.codes.OK:
                answer.read()
                return self
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                self.line(line, fields)
                if enough(self):
                    break
        return self


def having(number: int) -> Callable[[Reader], bool]:
    """Enough is so many events."""
    return lambda reader: len(reader.events) >= number


@contextmanager
def writing(write: Callable[[], None]) -> Iterator[None]:
    """While something else writes, in a thread; what goes wrong there is raised here."""
    wrong: list[BaseException] = []

    def run() -> None:
        try:
            write()
        except BaseException as error:  # noqa: BLE001 raised again below
            wrong.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(60)
    if wrong:
        raise wrong[0]
