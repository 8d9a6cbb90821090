"""The runner on the in-memory log and journal: laws L1 to L5."""

import pytest

from penstock.producers.errors import OwnerLost
from penstock.producers.log import Outgoing
from penstock.producers.memory import MemoryLog
from penstock.schemas.ids import event_id
from penstock.schemas.log.records import InputParked, InputRefused, InputReleased
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX
from penstock.streams.host import Fenced, TakeRefused
from penstock.streams.memory_journal import MemoryJournal

from .tally import CODEC, World, entity

DEAD = f"{RUN_INBOX}.penstock.streams.runs.dlq"


def test_inputs_become_events_in_order_without_gaps(world: World) -> None:
    for note in ("one", "many", "two"):
        world.send("a", note)
    world.runner().take_all().work()
    assert world.notes("a") == ["one/0", "many/1", "many/2", "many/3", "two/4"]
    assert [meta.entity_seq for meta, _ in world.events("a")] == [1, 2, 3, 4, 5]


def test_each_event_names_its_cause_and_derives_its_id(world: World) -> None:
    sent = world.send("a", "many")
    world.runner().take_all().work()
    cause_id = CODEC.decode_input(sent.value or b"")[0].id
    for index, (meta, _) in enumerate(world.events("a")):
        assert meta.id == event_id(entity("a"), cause_id, index)
        assert (meta.cause.id, meta.cause.index, meta.cause.count) == (cause_id, index, 3)
        assert (meta.cause.partition, meta.cause.offset) == (sent.partition, sent.offset)
        assert (meta.cause.topic, meta.cause.time_ms) == (RUN_INBOX, sent.time_ms)


def test_the_same_input_twice_is_decided_once(world: World) -> None:
    world.send("a", "one", ident="same")
    world.send("a", "one", ident="same")
    world.runner().take_all().work()
    assert world.notes("a") == ["one/0"]


def test_a_redelivered_batch_is_not_decided_again(world: World) -> None:
    world.send("a", "one")
    owner = world.runner().take_all()
    owner.work()
    owner.positions = dict.fromkeys(owner.positions, 0)
    owner.work()
    assert world.notes("a") == ["one/0"]
    assert world.decider.decided == 1


def test_the_next_owner_publishes_what_was_committed_and_not_published(world: World) -> None:
    world.send("a", "many")
    first = world.runner().take_all()
    first.log.lose_after(1)
    with pytest.raises(OwnerLost):
        first.work()
    assert len(world.notes("a")) == 1
    decided = world.decider.decided
    world.runner().take_all().work()
    assert len(world.notes("a")) == 3
    assert world.decider.decided == decided, "a committed input is never decided again"


def test_an_owner_that_lost_its_partition_changes_nothing(world: World) -> None:
    zombie = world.runner().take_all()
    world.runner().take_all()
    world.send("a", "one")
    partition = world.partition("a")
    with pytest.raises(Fenced):
        zombie.runner.handle(partition, world.log.deliver(RUN_INBOX, partition, 0))
    assert world.notes("a") == []


def test_a_zombies_late_record_is_seen_by_nobody(world: World) -> None:
    world.send("a", "one")
    first = world.runner().take_all()
    first.work()
    late = world.log.read(RUN_EVENTS, world.partition("a"), 1, 2)
    world.runner().take_all()
    for record in late:
        world.log.append([Outgoing(RUN_EVENTS, record.key, record.value, record.headers, record.partition)])
    assert world.notes("a") == ["one/0"]


def test_a_wiped_database_is_rebuilt_from_the_log(world: World) -> None:
    for note in ("one", "many", "two"):
        world.send("a", note)
    world.runner().take_all().work()
    before = world.notes("a")
    world.send("a", "three")
    world.runner(MemoryJournal()).take_all().work()
    assert world.notes("a") == [*before, "three/5"]
    assert [meta.entity_seq for meta, _ in world.events("a")] == [1, 2, 3, 4, 5, 6]


def test_a_restored_dump_goes_on_with_the_history_of_the_log() -> None:
    journal = MemoryJournal()
    world = World(journal)
    world.send("a", "one")
    owner = world.runner().take_all()
    owner.work()
    dump = journal.copy()
    world.send("a", "two")
    owner.work()
    world.runner().take_all()
    world.send("a", "three")
    world.runner(dump).take_all().work()
    assert world.notes("a") == ["one/0", "two/1", "three/2"]


def test_an_input_half_of_whose_events_are_on_the_log_is_finished_after_a_wipe(world: World) -> None:
    world.send("a", "many")
    first = world.runner().take_all()
    first.log.lose_after(2)
    with pytest.raises(OwnerLost):
        first.work()
    world.send("a", "one")
    world.runner(MemoryJournal()).take_all().work()
    assert [meta.entity_seq for meta, _ in world.events("a")] == [1, 2, 3, 4]
    assert [meta.cause.index for meta, _ in world.events("a")] == [0, 1, 2, 0]


def test_an_owner_on_the_old_database_is_fenced_by_one_on_the_new(world: World) -> None:
    old = world.runner().take_all()
    dump = MemoryJournal()
    new = world.runner(dump).take_all()
    world.send("a", "one")
    new.work()
    old.work()
    assert world.notes("a") == ["one/0"]


def test_a_wiped_broker_beside_a_kept_database_is_refused_with_the_command(world: World) -> None:
    world.send("a", "one")
    world.runner().take_all().work()
    world.log.wipe()
    with pytest.raises(TakeRefused, match="penstock reset-derived"):
        world.runner().take_all()


def test_a_log_that_lost_records_of_one_partition_is_refused_before_another_is_marked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send("a", "one")
    world.runner().take_all().work()
    there = {partition: world.log.bounds(RUN_EVENTS, partition) for partition in range(6)}
    owner, bounds = world.runner(), MemoryLog.bounds

    def older(log: MemoryLog, topic: str, partition: int) -> tuple[int, int]:
        start, end = bounds(log, topic, partition)
        lost = topic == RUN_INBOX and partition == world.partition("a")
        return start, end - 1 if lost else end

    with monkeypatch.context() as patched:
        patched.setattr(MemoryLog, "bounds", older)
        with pytest.raises(TakeRefused, match="penstock reset-derived"):
            owner.runner.take((world.partition("a") + 1) % 6)
    assert {partition: world.log.bounds(RUN_EVENTS, partition) for partition in range(6)} == there
    world.runner().take_all()


def test_an_undecodable_record_becomes_a_dead_letter_and_others_go_on(world: World) -> None:
    key = entity("a").encode()
    bad = world.log.append([Outgoing(RUN_INBOX, key, b"\x00\xff\xff\xff\xffnonsense", (("x", b"\xff"),))])[0]
    world.send("a", "one")
    world.runner().take_all().work()
    dead = world.log.deliver(DEAD, world.partition("a"), 0)
    assert [(d.key, d.value, d.headers[0]) for d in dead] == [(bad.key, bad.value, ("x", b"\xff"))]
    assert dead[0].header("dlq.error.class") == b"Undecodable"
    assert world.notes("a") == ["one/0"]


def test_a_key_placed_by_another_partitioner_is_misplaced(world: World) -> None:
    world.send("a", "one")
    partition = world.partition("a")
    good = world.log.deliver(RUN_INBOX, partition, 0)[0]
    other = (partition + 1) % 6
    world.log.append([Outgoing(RUN_INBOX, good.key, good.value, good.headers, other)])
    world.runner().take_all().work()
    dead = world.log.deliver(DEAD, other, 0)
    assert [d.header("dlq.error.class") for d in dead] == [b"Misplaced"]
    assert world.notes("a") == ["one/0"]


def test_an_unsigned_input_is_refused_by_an_event_and_gives_no_tenant(world: World) -> None:
    world.send("a", "one", authority=None)
    world.send("a", "one", ident="signed")
    world.runner().take_all().work()
    assert [type(body).__name__ for _, body in world.events("a")] == ["InputRefused", "InputAccepted"]


def test_an_input_that_raises_parks_its_entity_and_no_other(world: World) -> None:
    world.send("a", "raise")
    world.send("a", "behind")
    world.send("b", "one")
    world.runner().take_all().work()
    parked = [body for _, body in world.events("a") if isinstance(body, InputParked)]
    assert [p.error.kind for p in parked] == ["Unappliable", "parked_behind"]
    assert world.notes("b") == ["one/0"]


def test_a_release_decides_the_parked_input_and_those_behind_it() -> None:
    world = World(MemoryJournal())
    world.decider.broken = True
    first = world.send("a", "one")
    world.runner().take_all().work()
    world.decider.broken = False
    world.send("a", "two")
    owner = world.runner().take_all()
    owner.work()
    assert world.notes("a") == []
    world.release("a", CODEC.decode_input(first.value or b"")[0].id)
    owner.work()
    assert world.notes("a") == ["one/0", "two/1"]
    assert sum(isinstance(body, InputReleased) for _, body in world.events("a")) == 2


def test_a_release_of_nothing_is_refused(world: World) -> None:
    world.release("a", entity("x"))
    world.runner().take_all().work()
    assert [body.reason for _, body in world.events("a") if isinstance(body, InputRefused)] == ["not_parked"]


def test_an_event_over_the_size_limit_parks_its_input(world: World) -> None:
    world.send("a", "huge")
    world.runner().take_all().work()
    parked = [body for _, body in world.events("a") if isinstance(body, InputParked)]
    assert [p.error.kind for p in parked] == ["EventTooLarge"]


def test_many_unappliable_entities_in_a_row_stop_the_worker_and_it_stays_stopped(world: World) -> None:
    world.decider.broken = True
    names = [name for name in (f"e{i}" for i in range(200)) if world.partition(name) == 0]
    for name in names[:8]:
        world.send(name, "one")
    with pytest.raises(TakeRefused, match="bad deploy"):
        world.runner().take_all().work(records_max=1)
    parked = sum(bool(world.events(name)) for name in names)
    assert parked == 4
    with pytest.raises(TakeRefused, match="bad deploy"):
        world.runner().take_all().work(records_max=1)
    assert sum(bool(world.events(name)) for name in names) == parked
    world.decider.broken = False
    world.runner().take_all().work()
    assert [world.notes(name) for name in names[4:8]] == [["one/0"]] * 4
