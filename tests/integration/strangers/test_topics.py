"""Every topic of the catalogue gets every hostile record: each has its answer, and nothing stops, here or elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from penstock.audit.compare import behind, compare, compare_actions
from penstock.audit.projector import TOPICS
from penstock.schemas.headers import CE_TYPE, EPOCH
from penstock.schemas.topics import (
    ALL_TOPICS,
    FIRING_GROUP,
    RUN_EVENTS,
    RUNS_GROUP,
    SCHEDULE_EVENTS,
    SCHEDULE_INBOX,
    SCHEDULES_GROUP,
    TIMERS_GROUP,
    TOOLS_GROUP,
    VIEWS_GROUP,
    WEBHOOKS_GROUP,
)
from penstock.streams.firing.effect import ScheduleFold
from penstock.streams.timers.effect import TimerFold
from penstock.streams.tools.fold import CallFold
from penstock.streams.webhooks.noticing import Noticing
from tests.integration.strangers.case import Case, Told
from tests.integration.strangers.good import OTHER, TENANT, good, kind_of
from tests.integration.strangers.sending import Hostile, Place, send
from tests.integration.strangers.table import CASES
from tests.integration.strangers.world import Spot, World

pytestmark = pytest.mark.broker

# The views are given the largest records of all topics at once.
MEMORY_MB_MAX = 700
DECIDERS: Final = {"inbox": RUNS_GROUP, "schedules": SCHEDULES_GROUP}
# By kind of topic: the column of the table, the view, and the types of events that each group reads.
EFFECTORS: Final = {
    "events": (
        "effectors",
        "run_event",
        {TOOLS_GROUP: CallFold.types, TIMERS_GROUP: TimerFold.types, WEBHOOKS_GROUP: Noticing.types},
    ),
    "schedules' events": ("firing", "schedule_event", {FIRING_GROUP: ScheduleFold.types}),
}


@dataclass(frozen=True, slots=True)
class Put:
    """A case, and where its record stands."""

    case: Case
    record: Hostile
    place: Place

    @property
    def spot(self) -> Spot:
        return self.place.topic, self.place.partition, self.place.offset


Check = Callable[[Put, str, Told, Told], None]


def put(world: World, cases: Sequence[Case]) -> list[Put]:
    """Send a record of each case to all topics that get it: at once, since each producer takes its time to begin."""
    epochs = {noun: world.epoch(noun) for noun in ("run", "schedule")}
    chosen: list[Case] = []
    records: list[Hostile] = []
    for topic in ALL_TOPICS:
        epoch = epochs["schedule" if topic.name in (SCHEDULE_INBOX, SCHEDULE_EVENTS) else "run"]
        suitable = [case for case in cases if case.on(kind_of(topic.name))]
        records += [case.make(good(topic.name, world.keyring, epoch)) for case in suitable]
        chosen += suitable
    places = send(world.kafka, records)
    return [Put(*one) for one in zip(chosen, records, places, strict=True)]


def answered(world: World, topic: str, stood: Sequence[Put]) -> list[str]:
    """What isn't as the table says; empty when all is."""
    found: list[str] = []

    def check(one: Put, reader: str, expected: Told, told: Told) -> None:
        if told is not expected:
            found.append(f"{one.case.name}: {reader}: {told}, not {expected} ({one.spot})")

    kind = kind_of(topic)
    if kind in DECIDERS:
        letters, caused = world.letters(topic, DECIDERS[kind]), world.caused(topic)
        for one in stood:
            types = caused.get(one.spot, [])
            refused = Told.REFUSED if types == ["InputRefused"] else Told.TAKEN if types else Told.UNSEEN
            check(one, DECIDERS[kind], one.case.told(kind), Told.LETTER if one.spot in letters else refused)
    elif kind in EFFECTORS:
        column, table, groups = EFFECTORS[kind]
        for group, read in groups.items():
            letters = world.letters(topic, group)
            for one in stood:
                told = Told.LETTER if one.spot in letters else Told.TAKEN
                expected = Told.LETTER if one.case.told(column) is Told.LETTER else Told.TAKEN
                # Each reads the kinds of events that are its own, and looks at no others.
                if expected is told or _is_read(one.record, read):
                    check(one, group, expected, told)
        _of_the_views(world, table, stood, lambda case: case.views, check)
    elif kind == "actions":
        _of_the_views(world, "operator_action", stood, lambda case: case.actions, check)
    else:
        rows = world.in_letters()
        for one in stood:
            check(one, "views", one.case.dead, Told.LETTER if one.spot in rows else Told.UNSEEN)
    return found


def _is_read(record: Hostile, types: frozenset[str]) -> bool:
    """Whether a reader of these types of events decodes it, or asks for its epoch in vain."""
    kind, epoch = (next((v for n, v in record.headers if n == name), None) for name in (CE_TYPE, EPOCH))
    return record.way == "raw header names" or not (epoch or b"").isdigit() or (kind or b"").decode() in types


def _of_the_views(
    world: World, table: str, stood: Sequence[Put], expected: Callable[[Case], Told], check: Check
) -> None:
    letters = world.in_letters(VIEWS_GROUP)
    rows = world.in_views(table)
    for one in stood:
        other = Told.LETTER if one.spot in letters else Told.UNSEEN
        check(one, "views", expected(one.case), Told.TAKEN if one.spot in rows else other)


@pytest.fixture(scope="module")
def stood(world: World) -> dict[str, list[Put]]:
    """What stands on each topic, of all cases: sent to all topics at once, in two lots, and work goes on after each."""
    found: dict[str, list[Put]] = {topic.name: [] for topic in ALL_TOPICS}
    for last in (False, True):
        sent = put(world, [case for case in CASES if case.last is last])
        not_refused = [one.case.name for one in sent if one.case.refused and not one.place.refused]
        assert not not_refused, f"the broker took what is over its limits: {not_refused}"
        lost = [(one.case.name, one.place) for one in sent if one.place.refused and not one.case.refused]
        assert not lost
        world.work_goes_on()
        places = [one.place for one in sent if one.place.topic in TOPICS and not one.place.refused]
        world.until(lambda places=places: world.projected(places), world.waiting)
        for one in sent:
            if not one.case.refused:
                found[one.record.topic].append(one)
    return found


@pytest.mark.parametrize("topic", [topic.name for topic in ALL_TOPICS])
def test_each_hostile_record_has_its_answer(world: World, stood: dict[str, list[Put]], topic: str) -> None:
    assert stood[topic]
    world.until(
        lambda: not answered(world, topic, stood[topic]),
        lambda: "\n".join(answered(world, topic, stood[topic])),
    )


def test_the_views_say_what_the_log_says(world: World) -> None:
    with psycopg.connect(world.database_url, autocommit=True) as connection:
        for topic in (RUN_EVENTS, SCHEDULE_EVENTS):
            world.until(lambda topic=topic: not behind(connection, world.log, topic), world.waiting)
            told = compare(connection, world.log, topic)
            assert not told.differences, "\n".join(map(str, told.differences[:20]))
        of_actions = compare_actions(connection, world.log, world.keyring)
    assert not of_actions.differences, "\n".join(map(str, of_actions.differences[:20]))


def test_the_api_shows_a_tenant_what_is_its_own_and_fails_over_none_of_it(world: World) -> None:
    # What nobody signed stands as refused under the tenant that it names, and says nothing of anybody.
    said = {(run["status"], run["error"]["kind"]) for run in world.get("wanda", "/v1/runs").json()["runs"]}
    assert said <= {("refused", "unsigned")}
    assert world.get("wanda", "/v1/dead-letters").json()["dead_letters"] == []
    assert world.get("wanda", "/v1/operator-actions").status_code == 200
    for path in (
        "/v1/runs",
        "/v1/dead-letters",
        "/v1/approvals",
        "/v1/operator-actions",
        "/v1/events",
        "/v1/schedules",
    ):
        world.get("olga", path)
    strangers = "SELECT run_id FROM views.run WHERE tenant <> %s AND run_id <> ALL(%s)"
    for (run,) in world.rows(strangers, (OTHER, world.started)):
        for path in (f"/v1/runs/{run}", f"/v1/runs/{run}/events", f"/v1/runs/{run}/result"):
            world.get("olga", path)
        assert world.get("wanda", f"/v1/runs/{run}").status_code == 404
    for (name,) in world.rows(
        "SELECT name FROM views.schedule_row WHERE name <> '' AND tenant = %s", (TENANT,)
    ):
        world.get("olga", f"/v1/schedules/{name}")
        assert world.get("wanda", f"/v1/schedules/{name}").status_code == 404
    for (letter,) in world.rows("SELECT DISTINCT id FROM views.dead_letter LIMIT 200"):
        assert world.get("olga", f"/v1/dead-letters/{letter}").status_code == 200
        assert world.get("wanda", f"/v1/dead-letters/{letter}").status_code == 404


def test_nobody_has_held_much_memory_over_them(world: World) -> None:
    assert max(world.memory_mb().values()) < MEMORY_MB_MAX, world.memory_mb()


def test_a_new_database_is_made_from_the_log_with_all_of_it(world: World) -> None:
    world.stop()
    with psycopg.connect(world.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE anew")
    world.use(make_conninfo(world.database_url, dbname="anew"))
    world.work_goes_on()
    test_the_views_say_what_the_log_says(world)
