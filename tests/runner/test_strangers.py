"""Records on the events topic that no decider wrote: a forged taking hides nothing for longer than a turn."""

from collections.abc import Sequence

import pytest

from penstock.audit.fold import histories
from penstock.producers.log import Outgoing, Record
from penstock.runtime.epochs import LEAP_MAX
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX
from penstock.streams.host import Fenced
from penstock.streams.memory_journal import MemoryJournal

from .tally import CODEC, Owner, World, entity, forged_marker

MANY = ["many/0", "many/1", "many/2"]
THREE_TIMES = [*MANY, "many/3", "many/4", "many/5", "many/6", "many/7", "many/8"]


def interrupt(owner: Owner, at: int, stranger: Outgoing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a stranger's record stand before that one of the events that the owner appends next."""
    append, waiting = owner.log.append, [stranger]

    def slipping(records: Sequence[Outgoing]) -> Sequence[Record]:
        if records and records[0].topic == RUN_EVENTS and waiting:
            first = append(records[:at])
            append([waiting.pop()])
            return [*first, *append(records[at:])]
        return append(records)

    monkeypatch.setattr(owner.log, "append", slipping)


@pytest.mark.parametrize("at", range(4))
def test_a_forged_taking_before_between_or_behind_events_hides_none_of_them(
    world: World, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = world.runner().take_all()
    world.send("a", "many", ident="first")
    interrupt(owner, at, forged_marker(world.partition("a"), 1_000), monkeypatch)
    owner.work()
    for ident in ("second", "third"):
        world.send("a", "many", ident=ident)
        owner.work()
    assert world.notes("a") == THREE_TIMES
    assert world.decider.decided == 3


def test_an_owner_that_a_stranger_has_hidden_says_so_and_goes_beyond_that_epoch(world: World) -> None:
    owner = world.runner().take_all()
    partition = world.partition("a")
    world.log.append([forged_marker(partition, 1_000)])
    world.send("a", "one")
    with pytest.raises(Fenced):
        owner.runner.handle(partition, world.log.deliver(RUN_INBOX, partition, 0))
    assert world.notes("a") == []
    owner.positions[partition] = owner.runner.take(partition)
    assert world.notes("a") == ["one/0"]


@pytest.mark.parametrize("epoch", ["9" * 40, "1" * 5000, str(2**63 - 1), str(LEAP_MAX + 2)])
def test_an_epoch_beyond_which_nobody_could_go_is_nobodys(world: World, epoch: str) -> None:
    owner = world.runner().take_all()
    world.log.append([forged_marker(world.partition("a"), epoch)])
    world.send("a", "many")
    partition = world.partition("a")
    owner.runner.handle(partition, world.log.deliver(RUN_INBOX, partition, 0))
    assert world.notes("a") == MANY
    told = histories(world.log.read(RUN_EVENTS, partition, 0, 100), CODEC)
    assert len(told[entity("a")]) == len(MANY), "the views' own fold goes by the same rule"
    world.runner(MemoryJournal()).take_all()
    assert world.notes("a") == MANY
