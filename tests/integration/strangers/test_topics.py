"""Every topic of the catalogue gets every hostile record: each has its answer, and nothing stops, here or elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from penstock.audit.compare import compare, compare_actions
from penstock.audit.projector import TOPICS
from penstock.schemas.topics import (
    ALL_TOPICS,
    RUNS_GROUP,
    SCHEDULE_INBOX,
    TIMERS_GROUP,
    TOOLS_GROUP,
    VIEWS_GROUP,
)
from tests.integration.strangers.case import Case, Told
from tests.integration.strangers.good import OTHER, good, kind_of
from tests.integration.strangers.sending import Hostile, Place, send
from tests.integration.strangers.table import CASES
from tests.integration.strangers.world import Spot, World

pytestmark = pytest.mark.broker

MEMORY_MB_MAX = 400


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


def put(world: World, topic: str, cases: Sequence[Case]) -> list[Put]:
    """Send a record of each case to the topic."""
    kind, epoch = kind_of(topic), world.epoch()
    suitable = [case for case in cases if case.on(kind)]
    records = [case.make(good(topic, world.keyring, epoch)) for case in suitable]
    places = send(world.kafka, records)
    return [Put(*one) for one in zip(suitable, records, places, strict=True)]


def answered(world: World, topic: str, stood: Sequence[Put]) -> list[str]:
    """What isn't as the table says; empty when all is."""
    found: list[str] = []

    def check(one: Put, reader: str, expected: Told, told: Told) -> None:
        if told is not expected:
            found.append(f"{one.case.name}: {reader}: {told}, not {expected} ({one.spot})")

    kind = kind_of(topic)
    if kind == "inbox":
        letters, caused = world.letters(topic, RUNS_GROUP), world.caused()
        for one in stood:
            types = caused.get(one.spot, [])
            refused = Told.REFUSED if types == ["InputRefused"] else Told.TAKEN if types else Told.UNSEEN
            check(one, "runs", one.case.inbox, Told.LETTER if one.spot in letters else refused)
    elif kind == "events":
        # Each reads the kinds of events that are its own, and looks at no others.
        letters = world.letters(topic, TOOLS_GROUP) | world.letters(topic, TIMERS_GROUP)
        for one in stood:
            expected = one.case.effectors if one.case.effectors is Told.LETTER else Told.TAKEN
            check(one, "effectors", expected, Told.LETTER if one.spot in letters else Told.TAKEN)
        _of_the_views(world, "run_event", stood, lambda case: case.views, check)
    elif kind == "actions":
        _of_the_views(world, "operator_action", stood, lambda case: case.actions, check)
    else:
        rows = world.in_letters()
        for one in stood:
            check(one, "views", one.case.dead, Told.LETTER if one.spot in rows else Told.UNSEEN)
    return found


def _of_the_views(
    world: World, table: str, stood: Sequence[Put], expected: Callable[[Case], Told], check: Check
) -> None:
    letters = world.in_letters(VIEWS_GROUP)
    rows = world.in_views(table)
    for one in stood:
        other = Told.LETTER if one.spot in letters else Told.UNSEEN
        check(one, "views", expected(one.case), Told.TAKEN if one.spot in rows else other)


# Not yet the schedules' inbox, whose good record `good` can't make: the same runner takes it as the runs' inbox.
@pytest.mark.parametrize("topic", [topic.name for topic in ALL_TOPICS if topic.name != SCHEDULE_INBOX])
def test_each_hostile_record_has_its_answer_and_the_topic_goes_on(world: World, topic: str) -> None:
    lots = [[case for case in CASES if case.last is last] for last in (False, True)]
    for lot in lots:
        sent = put(world, topic, lot)
        not_refused = [one.case.name for one in sent if one.case.refused and not one.place.refused]
        assert not not_refused, f"the broker took what is over its limits: {not_refused}"
        stood = [one for one in sent if not one.case.refused]
        lost = [(one.case.name, one.place.refused) for one in stood if one.place.refused]
        assert not lost
        world.work_goes_on()
        if topic in TOPICS:
            world.until(
                lambda stood=stood: world.projected(one.place for one in stood), lambda: "the views wait"
            )
        world.until(
            lambda stood=stood: not answered(world, topic, stood),
            lambda stood=stood: "\n".join(answered(world, topic, stood)),
        )


def test_the_views_say_what_the_log_says(world: World) -> None:
    with psycopg.connect(world.database_url, autocommit=True) as connection:
        world.until(lambda: not compare(connection, world.log).behind, lambda: "the views wait")
        of_runs = compare(connection, world.log)
        of_actions = compare_actions(connection, world.log, world.keyring)
    assert not of_runs.differences, "\n".join(map(str, of_runs.differences[:20]))
    assert not of_actions.differences, "\n".join(map(str, of_actions.differences[:20]))


def test_the_api_shows_a_tenant_what_is_its_own_and_fails_over_none_of_it(world: World) -> None:
    # What nobody signed stands as refused under the tenant that it names, and says nothing of anybody.
    said = {(run["status"], run["error"]["kind"]) for run in world.get("wanda", "/v1/runs").json()["runs"]}
    assert said <= {("refused", "unsigned")}
    assert world.get("wanda", "/v1/dead-letters").json()["dead_letters"] == []
    assert world.get("wanda", "/v1/operator-actions").status_code == 200
    for path in ("/v1/runs", "/v1/dead-letters", "/v1/approvals", "/v1/operator-actions", "/v1/events"):
        world.get("olga", path)
    for (run,) in world.rows("SELECT run_id FROM views.run WHERE tenant <> %s", (OTHER,)):
        for path in (f"/v1/runs/{run}", f"/v1/runs/{run}/events", f"/v1/runs/{run}/result"):
            world.get("olga", path)
        assert world.get("wanda", f"/v1/runs/{run}").status_code == 404
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
