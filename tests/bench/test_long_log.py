"""The log that `adoption` puts behind a checkpoint is a log, not bytes that happen to be long."""

import struct

from bench.long_log import NOUN, STALLED_ONE_IN, Copies
from bench.telling import EVENTS_A_RUN, INPUTS_A_RUN, Author

from penstock.schemas.codec import pinned_codec
from penstock.schemas.run.records import RunCompleted

CODEC = pinned_codec()


def test_each_copy_is_a_whole_run_under_an_id_of_its_own() -> None:
    copies = Copies(Author().tell("template", INPUTS_A_RUN, 0))
    keys = set()
    for number in (0, 1, 7):
        records, _ = copies.make(number, number * INPUTS_A_RUN)
        inputs, events = records[:INPUTS_A_RUN], records[INPUTS_A_RUN:]
        assert {CODEC.decode_input(value)[0].entity_id for _, _, value, _ in inputs} == {
            inputs[0][1].decode()
        }
        history = [CODEC.decode_event(value) for _, _, value, _ in events]
        assert {meta.entity_id for meta, _ in history} == {events[0][1].decode()}
        assert [meta.entity_seq for meta, _ in history] == list(range(1, EVENTS_A_RUN + 1))
        assert isinstance(history[-1][1], RunCompleted)
        keys.add(events[0][1])
    assert len(keys) == 3


def test_the_rows_of_a_copy_stand_where_its_inputs_do() -> None:
    copies = Copies(Author().tell("template", INPUTS_A_RUN, 0))
    _, block = copies.make(STALLED_ONE_IN, 40)
    rows = list(_read(block))
    assert [row[2] for row in rows] == [NOUN.encode()] * EVENTS_A_RUN
    places = [tuple(struct.unpack(">q", row[field] or b"")[0] for field in (4, 5)) for row in rows]
    assert places == [(41, 40), (41, 40), (42, 41), (42, 41)], "position and cause_offset"
    assert [row[9] for row in rows] == [None, None, b"RunStalled", b"RunResumed"]


def _read(block: bytes) -> list[list[bytes | None]]:
    rows, at = [], 0
    while at < len(block):
        (count,) = struct.unpack_from(">h", block, at)
        at += 2
        row: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", block, at)
            at += 4
            row.append(block[at : at + length] if length >= 0 else None)
            at += max(length, 0)
        rows.append(row)
    return rows
