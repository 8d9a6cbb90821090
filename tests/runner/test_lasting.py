"""Entities that live for years: their states are kept beside the journal, and what came before isn't read again."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from penstock.producers.errors import OwnerLost
from penstock.runtime.postgres import migrate
from penstock.schemas.log.records import InputParked, InputRefused, ReleaseInput
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import RUN_EVENTS
from penstock.streams import loading
from penstock.streams.journal import Journal, Row, Snapshot
from penstock.streams.memory_journal import MemoryJournal
from penstock.streams.postgres_journal import PostgresJournal

from .tally import CODEC, OPERATOR, LastingTallyDecider, TallyDecider, World, entity, input_record

EVERY = World.snapshot_every


@pytest.fixture(params=["memory", "postgres"])
def journal(request: pytest.FixtureRequest) -> Iterator[Journal]:
    if request.param == "memory":
        yield MemoryJournal()
        return
    url = request.getfixturevalue("database_url")
    migrate(url)
    made = PostgresJournal(url, "run")
    yield made
    made.close()


@pytest.fixture
def world(journal: Journal) -> World:
    return World(journal, decider=LastingTallyDecider())


def send(world: World, count: int, name: str = "a") -> list[str]:
    """So many different inputs; their ids."""
    first = len(world.notes(name))
    sent = [world.send(name, "one", ident=f"{name}{first + i}") for i in range(count)]
    return [CODEC.decode_input(record.value or b"")[0].id for record in sent]


def kept(world: World, name: str = "a") -> Snapshot | None:
    return world.journal.snapshots([entity(name)], 1).get(entity(name))


def folded(world: World, work: Callable[[], object]) -> int:
    decider = world.decider
    assert isinstance(decider, LastingTallyDecider)
    before = decider.folded
    work()
    return decider.folded - before


def test_the_next_owner_reads_only_what_came_after(world: World) -> None:
    send(world, EVERY)
    world.runner().take_all().work()
    send(world, 1)
    world.runner().take_all().work()
    snapshot = kept(world)
    assert snapshot is not None
    assert (snapshot.seq, snapshot.tenant) == (EVERY, "local")
    send(world, 1)
    # One event since the snapshot, and the one that is decided now.
    assert folded(world, lambda: world.runner().take_all().work()) == 2
    assert world.notes("a") == [f"one/{i}" for i in range(EVERY + 2)]


def test_snapshots_replace_each_other(world: World) -> None:
    owner = world.runner().take_all()
    for _ in range(3):
        send(world, EVERY)
        owner.work()
    snapshot = kept(world)
    assert snapshot is not None
    assert snapshot.seq == 3 * EVERY


@pytest.mark.parametrize("again", ["the same owner", "another owner"])
def test_an_input_from_before_is_known(world: World, again: str) -> None:
    owner = world.runner().take_all()
    send(world, 2 * EVERY)
    owner.work()
    for number in range(2 * EVERY):
        world.send("a", "one", ident=f"a{number}")
    decided = world.decider.decided
    (owner if again == "the same owner" else world.runner().take_all()).work()
    assert world.decider.decided == decided
    assert len(world.notes("a")) == 2 * EVERY


def test_an_input_half_of_whose_events_are_on_the_log_is_finished_after_a_dump_is_restored() -> None:
    journal = MemoryJournal()
    world = World(journal, decider=LastingTallyDecider())
    send(world, EVERY)
    owner = world.runner().take_all()
    owner.work()
    dump = journal.copy()
    world.send("a", "many")
    owner.log.lose_after(1)
    with pytest.raises(OwnerLost):
        owner.work()
    assert len(world.notes("a")) == EVERY + 1
    world.runner(dump).take_all().work()
    assert world.notes("a")[EVERY:] == [f"many/{EVERY + i}" for i in range(3)]


def test_what_was_decided_in_a_parked_inputs_place_is_known(world: World) -> None:
    sent = world.send("a", "raise")
    owner = world.runner().take_all()
    owner.work()
    parked_id = CODEC.decode_input(sent.value or b"")[0].id
    replacement = input_record("a", FireTimer(timer_id="mended"))
    signature = dict(replacement.headers)["penstock_signature"].decode()
    body = ReleaseInput(
        parked_input_id=parked_id, replacement=replacement.value, replacement_signature=signature
    )
    world.log.append([input_record("a", body)])
    send(world, EVERY)
    owner.work()
    assert kept(world) is not None
    world.log.append([replacement])
    world.runner().take_all().work()
    assert world.notes("a").count("mended/0") == 1
    assert len(world.notes("a")) == EVERY + 1


def test_a_replacement_that_was_decided_before_the_snapshot_is_refused(world: World) -> None:
    send(world, EVERY)
    owner = world.runner().take_all()
    owner.work()
    old = input_record("a", FireTimer(timer_id="one"), "a0")
    sent = world.send("a", "raise")
    world.runner().take_all().work()
    parked_id = CODEC.decode_input(sent.value or b"")[0].id
    signature = dict(old.headers)["penstock_signature"].decode()
    body = ReleaseInput(parked_input_id=parked_id, replacement=old.value, replacement_signature=signature)
    world.log.append([input_record("a", body)])
    world.runner().take_all().work()
    (refused,) = [body for _, body in world.events("a") if isinstance(body, InputRefused)]
    assert refused.reason == "invalid_replacement"
    assert "has been decided" in refused.detail


def test_nothing_is_kept_while_an_input_is_parked(world: World) -> None:
    world.send("a", "raise")
    send(world, EVERY)
    world.runner().take_all().work()
    assert sum(isinstance(body, InputParked) for _, body in world.events("a")) == EVERY + 1
    assert kept(world) is None


@pytest.mark.parametrize("spoilt", [{"fold_version": 2}, {"state": b"no json"}])
def test_what_other_code_has_kept_is_not_gone_on_from(world: World, spoilt: dict[str, object]) -> None:
    send(world, EVERY)
    world.runner().take_all().work()
    snapshot = kept(world)
    assert snapshot is not None
    owner = world.runner().take_all()
    partition = world.partition("a")
    checkpoint = world.journal.checkpoint(partition)
    assert checkpoint is not None
    changed = replace(snapshot, **spoilt)  # type: ignore[arg-type]
    world.journal.keep(partition, checkpoint.epoch, checkpoint.position, [changed])
    send(world, 1)
    assert folded(world, owner.work) == EVERY + 1
    assert world.notes("a")[-1] == f"one/{EVERY}"


@pytest.mark.parametrize(("epochs", "positions"), [(1, 0), (0, 1)])
def test_only_who_holds_the_partition_as_it_stands_keeps_anything(
    world: World, epochs: int, positions: int
) -> None:
    send(world, EVERY)
    world.runner().take_all().work()
    snapshot, partition = kept(world), world.partition("a")
    assert snapshot is not None
    held = world.journal.checkpoint(partition)
    assert held is not None
    late = replace(snapshot, seq=snapshot.seq + 1)
    world.journal.keep(partition, held.epoch - epochs, held.position - positions, [late])
    assert kept(world) == snapshot


def test_a_row_that_the_log_replaces_takes_the_snapshot_along(world: World) -> None:
    send(world, EVERY)
    world.runner().take_all().work()
    assert kept(world) is not None
    partition = world.partition("a")
    held = world.journal.checkpoint(partition)
    assert held is not None
    logged = world.log.read(RUN_EVENTS, partition, *world.log.bounds(RUN_EVENTS, partition))
    told = [(record, *CODEC.decode_event(record.value or b"")) for record in logged]
    _, meta, body = next(each for each in told if each[1].entity_id == entity("a"))
    other = CODEC.encode(replace(meta, actor=replace(OPERATOR, subject="another")), body)
    cause = meta.cause
    row = Row(meta.entity_id, meta.entity_seq, -1, cause.offset, cause.id, cause.index, other)
    assert world.journal.adopt(partition, held.epoch, [row]).replaced == 1
    assert kept(world) is None


def test_a_decider_whose_entities_do_not_last_keeps_nothing() -> None:
    world = World(MemoryJournal(), decider=TallyDecider())
    send(world, 3 * EVERY)
    world.runner().take_all().work()
    assert kept(world) is None


def test_long_histories_are_read_in_stretches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "STRETCH", 4)
    monkeypatch.setattr(loading, "STRETCH_LEAST", 2)
    world.snapshot_every = 1_000
    for name in ("a", "b", "c"):
        for number in range(4):
            # Three events a time: a stretch may end in the middle of an input.
            world.send(name, "many", ident=f"{name}{number}")
    send(world, 1, "d")
    world.runner().take_all().work()
    for name in ("a", "b", "c", "d"):
        send(world, 1, name)
    world.runner().take_all().work()
    for name in ("a", "b", "c"):
        assert world.notes(name) == [*(f"many/{i}" for i in range(12)), "one/12"]
    assert world.notes("d") == ["one/0", "one/1"]
