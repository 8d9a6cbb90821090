"""Replacement on release (law L5): another input, as signed as any, is decided in the parked one's place."""

import pytest

from penstock.producers.log import Outgoing, Record
from penstock.producers.signing import Authority
from penstock.schemas.bodies import EventBody
from penstock.schemas.log.records import (
    InputAccepted,
    InputParked,
    InputRefused,
    InputReleased,
    ReleaseInput,
)
from penstock.schemas.run.records import FireTimer
from penstock.streams.memory_journal import MemoryJournal

from .tally import CODEC, World, entity, input_record


def input_id(record: Record | Outgoing) -> str:
    return CODEC.decode_input(record.value or b"")[0].id


def signature(made: Outgoing) -> str:
    return dict(made.headers).get("penstock_signature", b"").decode()


def mended(note: str = "mended", name: str = "a", authority: Authority | None = Authority.API) -> Outgoing:
    return input_record(name, FireTimer(timer_id=note), authority=authority)


def parked(world: World) -> Record:
    """An input that can't be decided, and one behind it."""
    first = world.send("a", "raise")
    world.send("a", "next")
    world.runner().take_all().work()
    assert [type(body) for _, body in world.events("a")] == [InputParked, InputParked]
    return first


def release(world: World, which: Record, by: Outgoing, signed: str | None = None) -> list[EventBody]:
    body = ReleaseInput(
        parked_input_id=input_id(which),
        replacement=by.value,
        replacement_signature=signature(by) if signed is None else signed,
    )
    before = len(world.events("a"))
    world.log.append([input_record("a", body, ident=f"release {before}")])
    world.runner().take_all().work()
    return [body for _, body in world.events("a")][before:]


def test_a_replacement_is_decided_in_the_parked_ones_place_and_then_what_stood_behind(world: World) -> None:
    first, by = parked(world), mended()
    events = release(world, first, by)
    assert [type(event) for event in events] == [InputReleased, InputAccepted, InputReleased, InputAccepted]
    assert world.notes("a") == ["mended/0", "next/1"]
    released, behind = events[0], events[2]
    assert isinstance(released, InputReleased)
    assert isinstance(behind, InputReleased)
    assert (released.parked_input_id, released.replacement_id) == (input_id(first), input_id(by))
    assert released.replacement == by.value
    assert (behind.replacement_id, behind.replacement) == (None, None)


def test_what_was_replaced_stays_in_the_history(world: World) -> None:
    first = parked(world)
    release(world, first, mended())
    kept = world.events("a")[0][1]
    assert isinstance(kept, InputParked)
    assert kept.input_value == first.value


def test_a_replacement_that_is_sent_as_well_is_decided_once(world: World) -> None:
    first, by = parked(world), mended()
    release(world, first, by)
    world.log.append([by])
    world.runner().take_all().work()
    world.runner(MemoryJournal()).take_all().work()
    assert world.notes("a") == ["mended/0", "next/1"]


def refusal(events: list[EventBody]) -> str:
    [refused] = events
    assert isinstance(refused, InputRefused)
    return refused.detail if refused.reason == "invalid_replacement" else refused.reason


def test_a_replacement_must_be_signed_for_itself(world: World) -> None:
    first, by = parked(world), mended()
    assert "signature" in refusal(release(world, first, by, signed=""))
    assert "signature" in refusal(release(world, first, by, signed=signature(mended("other"))))
    assert world.notes("a") == []


@pytest.mark.parametrize(
    ("by", "why"),
    [
        (mended(name="b"), "another entity"),
        (input_record("a", ReleaseInput(parked_input_id=entity("x"))), "no replacement"),
        (Outgoing("t", b"k", b"nonsense", ()), "framing"),
    ],
)
def test_what_is_no_input_of_this_entity_is_no_replacement(world: World, by: Outgoing, why: str) -> None:
    assert why in refusal(release(world, parked(world), by))
    assert world.notes("a") == []


def test_an_input_that_was_decided_before_is_no_replacement(world: World) -> None:
    """Else an old vote could be cast again by whoever releases."""
    earlier = mended("earlier")
    world.log.append([earlier])
    first = world.send("a", "raise")
    world.runner().take_all().work()
    assert "before" in refusal(release(world, first, earlier))
    assert world.notes("a") == ["earlier/0"]


def test_a_replacement_that_cant_be_decided_either_leaves_the_parked_one_parked(world: World) -> None:
    first = parked(world)
    no_better = input_record("a", FireTimer(timer_id="raise"), ident="another")
    assert refusal(release(world, first, no_better)) == "still_unappliable"
    assert world.notes("a") == []
    release(world, first, mended())
    assert world.notes("a") == ["mended/0", "next/1"]
