"""Runs decided as a worker decides them, without log and journal: what stands there is made from what they told."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.deciding import APP, Bench
from bench.load_application import application
from penstock.declare.application import Application
from penstock.producers.log import Outgoing
from penstock.producers.signing import Authority
from penstock.schemas.canonical import json_payload
from penstock.schemas.headers import input_headers
from penstock.schemas.run.records import StartRun
from penstock.schemas.topics import EVENT_BYTES_MAX, RUN_EVENTS, RUN_INBOX, RUNS_GROUP
from penstock.streams.journal import Row
from penstock.streams.open_work import Seen
from penstock.streams.writing import Writer

WORKFLOW: Final = "bench-hold"
_AT_ONCE: Final = {"ms": 0}
EPOCH: Final = 1
# What a run of that workflow has when it has ended.
EVENTS_A_RUN: Final = 4
INPUTS_A_RUN: Final = 2


@dataclass(frozen=True, slots=True)
class Told:
    """A run as far as it was told: as it goes to the log, and as the journal keeps it."""

    run_id: str
    inputs: Sequence[Outgoing]
    events: Sequence[Outgoing]
    seen: Sequence[Seen]
    rows: Sequence[Row]


class Author:
    """Decides runs of one workflow, which have all the same input."""

    def __init__(
        self, known: Application = application, workflow: str = WORKFLOW, asked: object = _AT_ONCE
    ) -> None:
        self._bench = Bench(known)
        self._workflow = workflow
        self._asked = asked
        self._writer = Writer(self._bench.codec, RUN_EVENTS, RUNS_GROUP, EVENT_BYTES_MAX)

    def tell(self, key: str, inputs: int, offset: int, partition: int = 0) -> Told:
        """A run that has had so many inputs, the first at that offset of that partition's inbox."""
        entity_id = self._bench.add(key)
        entity = self._bench.entities[entity_id]
        entity.time_ms = int(time.time() * 1000)
        content = json_payload(self._asked)
        start = StartRun(workflow=self._workflow, input=content, body_sha256=content.sha256)
        said, events, seen, rows = [], [], [], []
        for number in range(inputs):
            one = (entity_id, start, Authority.APP, APP) if number == 0 else self._bench.next_input(entity_id)
            seq, arrival = entity.seq, self._bench.arrival(one)
            at, meta = (
                replace(arrival.record, partition=partition, offset=offset + number),
                arrival.given.meta,
            )
            [draft] = self._bench.decide([one])
            value = self._bench.codec.encode(meta, one[1])
            # Nobody reads these again, so nobody asks for the signature.
            headers = input_headers(meta, "bench", "")
            said.append(Outgoing(RUN_INBOX, entity_id.encode(), value, headers, partition))
            for each in self._writer.write(entity.tenant, meta, at, seq, draft.time_ms, draft.bodies):
                events.append(self._writer.outgoing(each, partition, EPOCH, None))
                seen.append(Seen(each.meta, each.body, each.value))
                rows.append(self._writer.row(each, at.offset + 1))
        return Told(entity_id, said, events, seen, rows)
