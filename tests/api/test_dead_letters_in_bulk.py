"""Dead letters by filter: dry unless told otherwise, one line for each, and each recorded by itself."""

import asyncio
import json
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from penstock.api.dead_letter_desk import Desk
from penstock.api.dead_letters_bulk import Bulk, Which, lines
from penstock.api.door import Door
from penstock.producers.errors import NotYetAcknowledged
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority
from penstock.runtime.redriving import Redriver
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor
from tests.api.conftest import Api
from tests.api.dead import KINDS, Dead, dead_letters
from tests.api.test_dead_letters import LIST, get, state
from tests.api.test_every_route import assert_problem


@pytest.fixture
def dead(api: Api) -> Dead:
    return dead_letters(api)


def bulk(dead: Dead, verb: str, which: object, **more: object) -> Any:
    body = {"filter": which, "reason": "a bad deploy", **more}
    return dead.api.client.post(f"{LIST}/{verb}", json=body, headers=dead.api.as_("olga"))


def said_by(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in response.text.splitlines()]


@pytest.mark.parametrize("verb", ["redrive", "discard"])
def test_a_dry_run_counts_and_changes_nothing(dead: Dead, verb: str) -> None:
    said = bulk(dead, verb, {"error_class": "Undecodable"}).json()
    assert (said["dry_run"], said["would"], said["count"]) == (True, verb, 6)
    assert sum(each["count"] for each in said["counts"]) == 6
    assert {one["error"]["class"] for one in said["sample"]} == {"Undecodable"}
    assert bulk(dead, verb, {}, limit=2).json()["more_than_limit"]
    assert dead.actions() == []


def test_all_that_match_are_put_back_the_oldest_first_and_what_came_of_each_is_said(dead: Dead) -> None:
    said = said_by(bulk(dead, "redrive", {}, dry_run=False))
    assert said[0] == {"of": 7}
    outcomes = {one["id"]: one.get("kind", one["outcome"]) for one in said[1:-1]}
    by_kind = {kind: outcomes.get(ident) for kind, ident in dead.ids.items()}
    assert by_kind == {
        "malformed": "redriven",
        "misplaced": "redriven",
        "wrong schema id": "redriven",
        "bad utf-8": "redriven",
        "oversized": "too-large",
        "event": "not-redrivable",
        "invented": "not-where-it-says",
        "foreign": None,
    }
    assert [one["number"] for one in said[1:-1]] == list(range(1, 8))
    assert said[-1] == {"finished": True, "counts": {"redriven": 4, "refused": 3}}
    actions = dead.actions()
    assert actions[0] == "dead-letter.bulk-redrive"
    assert actions.count("dead-letter.redrive") == actions.count("dead-letter.put-back") == 4
    dead.project()
    again = said_by(bulk(dead, "redrive", {}, dry_run=False))
    assert again[-1]["counts"] == {"refused": 3}
    assert len(dead.back("malformed")) == 1


def test_what_a_filter_names_is_discarded(dead: Dead) -> None:
    assert said_by(bulk(dead, "discard", {"error_class": "Misplaced"}, dry_run=False))[-1]["finished"]
    assert state(dead, "misplaced") == "discarded"
    assert state(dead, "malformed") == "open"


def test_one_that_the_log_doesnt_answer_for_stops_it_and_it_goes_on_when_asked_again(
    dead: Dead, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    discard = Redriver.discard

    def stop_after_two(self: Redriver, ident: str, reason: str, **more: Any) -> Any:
        if len(done) == 2:
            raise NotYetAcknowledged("no answer")
        done.append(ident)
        return discard(self, ident, reason, **more)

    monkeypatch.setattr(Redriver, "discard", stop_after_two)
    said = said_by(bulk(dead, "discard", {}, dry_run=False))
    assert (said[-1]["finished"], said[-1]["counts"]) == (False, {"discarded": 2})
    monkeypatch.undo()
    dead.project()
    assert said_by(bulk(dead, "discard", {}, dry_run=False))[-1]["counts"] == {"discarded": 5}
    dead.project()
    assert get(dead, "?state=open")["dead_letters"] == []


def test_whoever_stops_reading_stops_it(dead: Dead) -> None:
    async def read_two() -> None:
        desk = Desk(cast("Door", _DoorOf(dead)))
        redriver = Redriver(desk.means, "local", Actor(kind="person", subject="olga", roles=("operator",)))
        body = Bulk(filter=Which(), reason="r", dry_run=False)
        told = lines(desk, redriver, "discard", body, [dead.ids[kind] for kind in KINDS])
        for _ in range(3):
            await anext(told)
        await cast("AsyncGenerator[str]", told).aclose()

    asyncio.run(read_two())
    assert dead.actions() == ["dead-letter.bulk-discard", "dead-letter.discard", "dead-letter.discard"]


class _DoorOf:
    """As much of a door as a desk takes."""

    def __init__(self, dead: Dead) -> None:
        signer = dead.keyring.signer(Authority.API)
        publisher = Publisher(dead.api.log, pinned_codec(), signer, "tests")
        self.settings, self.log = dead.api.settings, dead.api.log
        self.inbox = SimpleNamespace(publisher=publisher, acknowledged_s=1.0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filter": {}},
        {"filter": {"tenant": "elsewhere"}, "reason": "r"},
        {"filter": {"state": "redriven"}, "reason": "r"},
        {"filter": {}, "reason": "r", "limit": 0},
    ],
)
def test_a_bad_request_is_told_what_to_correct(dead: Dead, body: object) -> None:
    response = dead.api.client.post(f"{LIST}/discard", json=body, headers=dead.api.as_("olga"))
    assert_problem(response, 422, "invalid-request")
    assert dead.actions() == []
