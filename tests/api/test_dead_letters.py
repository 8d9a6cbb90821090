"""Dead letters: listed, looked at, put back, mended, given up; each once, in the name of who did it."""

from dataclasses import replace
from typing import Any

import pytest

from penstock.producers.operators import OperatorLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority
from penstock.runtime import redriving
from penstock.runtime.postgres import connect
from penstock.runtime.postgres_dead_letters import alone
from penstock.schemas.canonical import sha256_hex
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor
from penstock.schemas.headers import SIGNATURE
from penstock.schemas.ids import derived_id, partition_of
from penstock.schemas.run.records import StartRun
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP, TOOLS_GROUP
from tests.api.conftest import Api
from tests.api.dead import KINDS, MEND, RUN, Dead, broken, dead_letters
from tests.api.test_every_route import assert_problem

LIST = "/v1/dead-letters"


@pytest.fixture
def dead(api: Api) -> Dead:
    return dead_letters(api)


def get(dead: Dead, path: str = "", who: str = "olga") -> Any:
    response = dead.api.client.get(LIST + path, headers=dead.api.as_(who))
    assert response.status_code == 200, response.text
    return response.json()


def post(dead: Dead, kind: str, verb: str, body: object, who: str = "olga", **headers: str) -> Any:
    path = f"{LIST}/{dead.ids[kind]}/{verb}"
    return dead.api.client.post(path, json=body, headers=dead.api.as_(who, **headers))


def listed(dead: Dead, query: str = "", who: str = "olga") -> set[str]:
    names = {ident: kind for kind, ident in dead.ids.items()}
    return {names[one["id"]] for one in get(dead, query, who)["dead_letters"]}


def state(dead: Dead, kind: str) -> str:
    dead.project()
    return str(get(dead, f"/{dead.ids[kind]}")["state"])


OURS = {*KINDS, "event", "invented"}


def test_a_tenants_operators_see_their_own_and_the_deployments_those_of_nobody(dead: Dead) -> None:
    assert listed(dead) == OURS
    assert listed(dead, who="mallory") == {"foreign"}


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        (f"?topic={RUN_EVENTS}", {"event"}),
        (f"?group={TOOLS_GROUP}", {"event"}),
        ("?error_class=Misplaced", {"misplaced"}),
        (f"?topic={RUN_INBOX}&group={RUNS_GROUP}&error_class=Undecodable", OURS - {"event", "misplaced"}),
        ("?until=1970-01-01T00:00:00.002Z", {"invented"}),
        ("?from=1970-01-01T00:00:00.002Z", OURS - {"invented"}),
        ("?state=redriven", set()),
    ],
)
def test_they_are_filtered(dead: Dead, query: str, kinds: set[str]) -> None:
    assert listed(dead, query) == kinds


def test_pages_follow_one_another_newest_first(dead: Dead) -> None:
    seen: list[Any] = []
    query = "?limit=2"
    for _ in range(9):
        page = get(dead, query)
        seen += page["dead_letters"]
        if page["next_cursor"] is None:
            break
        query = f"?limit=2&cursor={page['next_cursor']}"
    assert {one["id"] for one in seen} == {dead.ids[kind] for kind in OURS}
    assert len(seen) == len(OURS)
    assert [one["time"] for one in seen] == sorted((one["time"] for one in seen), reverse=True)


def test_one_that_decodes_is_shown_in_the_shape_of_a_replacement(dead: Dead) -> None:
    shown = get(dead, f"/{dead.ids['misplaced']}")
    decoded = shown["value"]["decoded"]
    assert (decoded["type"], decoded["entity_id"]) == ("StartRun", RUN)
    assert decoded["fields"]["input"]["content"] == {"case_id": "case-1"}
    assert decoded["said"]["actor"]["subject"] == "ana"
    assert shown["refused_by"][0]["class"] == "Misplaced"
    assert shown["stands_at"]["topic"] == RUN_INBOX
    given = {name: decoded[name] for name in ("type", "entity_id", "fields")}
    again = post(dead, "misplaced", "redrive", {"reason": "as it was", "replacement": {"input": given}})
    assert again.status_code == 200, again.text


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"misplaced"}))
def test_one_that_doesnt_decode_is_shown_as_hex_with_the_text_beside_it(dead: Dead, kind: str) -> None:
    value = get(dead, f"/{dead.ids[kind]}")["value"]
    assert value["decoded"] is None
    assert value["undecodable"]
    assert value["hex"][0].startswith("00000000  0")
    assert len(value["hex"]) <= 256
    if kind == "malformed":
        assert value["hex"] == [f"00000000  {b'.nonsense'.hex(' ').replace('2e', '00', 1):<47}  |.nonsense|"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_redriven_with_a_mend_in_the_operators_name(dead: Dead, kind: str) -> None:
    response = post(dead, kind, "redrive", {"reason": "mended", "replacement": MEND})
    assert response.status_code == 200, response.text
    (record,) = dead.back(kind)
    meta, body = pinned_codec().decode_input(record.value or b"")
    assert isinstance(body, StartRun)
    assert (meta.actor.subject, meta.tenant, meta.entity_id) == ("olga", "local", RUN)
    assert meta.id == derived_id(dead.ids[kind], "redrive:0")
    assert dead.keyring.verify(record, meta) is Authority.API
    asked = b'{"input":{"case_id":"case-1"},"version":null,"workflow":"case-review"}'
    assert body.body_sha256 == sha256_hex(asked)
    done = response.json()
    assert (done["topic"], done["partition"], done["offset"]) == (RUN_INBOX, record.partition, record.offset)
    assert state(dead, kind) == "redriven"
    shown = get(dead, f"/{dead.ids[kind]}")["done"]
    assert [(one["action"], one["actor"]["subject"]) for one in shown] == [
        ("dead-letter.redrive", "olga"),
        ("dead-letter.put-back", "olga"),
    ]
    assert shown[0]["reason"] == "mended"


@pytest.mark.parametrize("kind", [*KINDS, "event", "invented"])
def test_each_kind_is_discarded_once(dead: Dead, kind: str) -> None:
    assert post(dead, kind, "discard", {"reason": "rubbish"}).json()["state"] == "discarded"
    assert_problem(post(dead, kind, "discard", {"reason": "rubbish"}), 409, "dead-letter:already-discarded")
    assert state(dead, kind) == "discarded"
    assert dead.actions() == ["dead-letter.discard"]
    if kind in KINDS:
        assert_problem(post(dead, kind, "redrive", {"reason": "no"}), 409, "dead-letter:already-discarded")
    assert dead.back(kind) == []


def test_what_was_misplaced_goes_back_as_it_was_to_where_it_belongs(dead: Dead) -> None:
    response = post(dead, "misplaced", "redrive", {"reason": "the producer's partitioner was wrong"})
    assert response.status_code == 200, response.text
    (record,) = dead.back("misplaced")
    assert record.partition == partition_of(RUN.encode(), 6)
    meta, _ = pinned_codec().decode_input(record.value or b"")
    assert meta.actor.subject == "ana"
    assert dead.keyring.verify(record, meta) is Authority.API
    assert len([name for name, _ in record.headers if name == SIGNATURE]) == 1


def test_what_nobody_signed_stays_unsigned(dead: Dead) -> None:
    stranger = replace(broken("misplaced", dead.keyring), headers=(("odd", b"\xff\x00"),))
    dead.add("unsigned", stranger)
    dead.project()
    assert post(dead, "unsigned", "redrive", {"reason": "try it again"}).status_code == 200
    (record,) = dead.back("unsigned")
    meta, _ = pinned_codec().decode_input(record.value or b"")
    assert dead.keyring.verify(record, meta) is Authority.NONE
    assert SIGNATURE not in dict(record.headers)
    assert record.headers[0] == ("odd", b"\xff\x00")


def test_an_oversized_one_doesnt_fit_with_its_header_and_nothing_is_said(dead: Dead) -> None:
    assert_problem(post(dead, "oversized", "redrive", {"reason": "again"}), 413, "dead-letter:too-large")
    assert dead.actions() == []


def test_nothing_is_put_into_an_events_topic(dead: Dead) -> None:
    assert_problem(post(dead, "event", "redrive", {"reason": "x"}), 409, "dead-letter:not-redrivable")
    assert dead.actions() == []


def test_what_a_stranger_made_up_isnt_put_back(dead: Dead) -> None:
    assert_problem(post(dead, "invented", "redrive", {"reason": "x"}), 409, "dead-letter:not-where-it-says")
    assert dead.actions() == []


@pytest.mark.parametrize("projected", [True, False], ids=["views up to date", "views behind"])
def test_it_isnt_put_back_twice_unless_asked_again(dead: Dead, projected: bool) -> None:
    key = {"Idempotency-Key": "one"}
    first = post(dead, "misplaced", "redrive", {"reason": "r"}, **key)
    if projected:
        dead.project()
    assert post(dead, "misplaced", "redrive", {"reason": "r"}, **key).json() == first.json()
    assert_problem(post(dead, "misplaced", "redrive", {"reason": "r"}), 409, "dead-letter:already-redriven")
    assert_problem(post(dead, "misplaced", "discard", {"reason": "r"}), 409, "dead-letter:already-redriven")
    assert len(dead.back("misplaced")) == 1
    assert post(dead, "misplaced", "redrive", {"reason": "r", "again": True}).status_code == 200
    assert len(dead.back("misplaced")) == 2


class Killed(Exception):
    """Stands for the end of the process: nothing after it is done."""


@pytest.mark.parametrize("replacement", [None, MEND], ids=["as it came", "mended"])
@pytest.mark.parametrize("point", ["redrive-recorded", "redrive-put-back"])
@pytest.mark.parametrize("projected", [True, False], ids=["views up to date", "views behind"])
def test_broken_off_anywhere_it_is_finished_once(
    dead: Dead, monkeypatch: pytest.MonkeyPatch, point: str, replacement: object, projected: bool
) -> None:
    def die(reached: str) -> None:
        if reached == point:
            raise Killed

    body = {"reason": "r", "replacement": replacement}
    monkeypatch.setattr(redriving, "reach", die)
    assert_problem(post(dead, "misplaced", "redrive", body), 500, "internal")
    if projected:
        assert state(dead, "misplaced") == "redriving"
    monkeypatch.undo()
    response = post(dead, "misplaced", "redrive", body)
    if point == "redrive-put-back":
        assert_problem(response, 409, "dead-letter:already-redriven")
    else:
        assert response.status_code == 200, response.text
    assert len(dead.back("misplaced")) == 1
    assert dead.actions().count("dead-letter.put-back") == 1
    assert state(dead, "misplaced") == "redriven"


def test_two_at_once_dont_put_it_back_twice(dead: Dead) -> None:
    with connect(dead.api.settings) as elsewhere, alone(elsewhere, dead.ids["misplaced"]) as mine:
        assert mine
        assert_problem(post(dead, "misplaced", "redrive", {"reason": "r"}), 409, "dead-letter:busy")
    assert dead.back("misplaced") == []
    assert post(dead, "misplaced", "redrive", {"reason": "r"}).status_code == 200


def test_what_a_stranger_says_was_done_counts_for_nothing(dead: Dead) -> None:
    app = Publisher(dead.api.log, pinned_codec(), dead.keyring.signer(Authority.APP), "stranger")
    olga = Actor(kind="person", subject="olga", roles=("operator",))
    OperatorLog(app, "local").record(olga, "dead-letter.discard", dead.ids["misplaced"], "", {}).wait(5)
    assert post(dead, "misplaced", "redrive", {"reason": "r"}).status_code == 200
    assert state(dead, "misplaced") == "redriven"
