"""What one row of the table says: a hostile record, and what becomes of it on each topic."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from tests.integration.strangers.good import Good
from tests.integration.strangers.sending import Hostile


class Told(StrEnum):
    """What a reader makes of a record."""

    LETTER = "dead letter"
    REFUSED = "refused by an event"
    TAKEN = "taken as it says"
    UNSEEN = "seen by nobody"
    BROKER = "refused by the broker"
    ABSENT = "–"


Make: TypeAlias = Callable[[Good], Hostile]


@dataclass(frozen=True, slots=True)
class Case:
    """`inbox`: the runs' decider; `effectors`: tools, timers and webhooks; `views`: the projector, of events;
    `actions`: the projector, of operators' actions; `dead`: the projector, of dead letters. `schedules`: the schedules'
    decider, as the runs' where it isn't said; `firing`: its effector, as the others. ABSENT: there is no such record
    there."""

    name: str
    make: Make
    inbox: Told
    effectors: Told
    views: Told
    actions: Told
    dead: Told = Told.LETTER
    # Whether it changes what is made of those behind it, so that it comes when they have gone by.
    last: bool = False
    schedules: Told | None = None
    firing: Told | None = None

    def told(self, column: str) -> Told:
        """What one column of the table says."""
        of_runs = {"schedules": self.inbox, "firing": self.effectors}.get(column)
        said: Told | None = getattr(self, column)
        return said or of_runs or Told.ABSENT

    @property
    def refused(self) -> bool:
        """Whether it never comes to stand on a topic."""
        return self.dead is Told.BROKER

    def on(self, kind: str) -> bool:
        """Whether topics of that kind get this record."""
        column = {"events": "effectors", "schedules' events": "firing"}.get(kind, kind)
        return self.told(column) is not Told.ABSENT


def malformed(name: str, make: Make) -> Case:
    """What can't be read anywhere."""
    return Case(name, make, Told.LETTER, Told.LETTER, Told.LETTER, Told.LETTER)


def harmless(name: str, make: Make) -> Case:
    """What is read as if nothing were strange about it: the start of a workflow that isn't there is refused, and a
    schedule of that start is made."""
    return Case(name, make, Told.REFUSED, Told.TAKEN, Told.TAKEN, Told.TAKEN, schedules=Told.TAKEN)


def too_long(name: str, make: Make) -> Case:
    """What has longer words in its envelope than an input may have; elsewhere nothing follows from them."""
    return Case(name, make, Told.LETTER, Told.TAKEN, Told.TAKEN, Told.TAKEN)


def everywhere(name: str, make: Make, told: Told) -> Case:
    """The same on each topic."""
    return Case(name, make, told, told, told, told, told)


def unvouched(name: str, make: Make) -> Case:
    """What nobody vouches for. Events aren't signed: the broker's access rights say who writes them."""
    return Case(name, make, Told.REFUSED, Told.ABSENT, Told.ABSENT, Told.LETTER, Told.ABSENT)


def of_the_inbox(name: str, make: Make, told: Told = Told.REFUSED, schedules: Told = Told.ABSENT) -> Case:
    """A record that only the runs' inbox knows, or both inboxes do."""
    none = Told.ABSENT
    return Case(name, make, told, none, none, none, none, schedules=schedules, firing=none)


def of_the_schedules(name: str, make: Make, told: Told = Told.REFUSED) -> Case:
    """A record that only the schedules' inbox knows."""
    return of_the_inbox(name, make, Told.ABSENT, told)


def of_the_events(name: str, make: Make, effectors: Told, views: Told, firing: Told | None = None) -> Case:
    """A record that only events topics know."""
    return Case(
        name,
        make,
        Told.ABSENT,
        effectors,
        views,
        Told.ABSENT,
        Told.ABSENT,
        schedules=Told.ABSENT,
        firing=firing,
    )


COLUMNS: Final = ("inbox", "schedules", "effectors", "firing", "views", "actions", "dead")
