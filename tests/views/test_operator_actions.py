"""What operators did, in the views: what a door vouches for, once; the rest where strangers' records are."""

import json
import secrets
from dataclasses import replace

import pytest

from penstock.audit.applier import Applier, catch_up
from penstock.audit.compare import compare_actions
from penstock.audit.rebuild import rebuild
from penstock.producers.log import Outgoing
from penstock.producers.memory import MemoryLog
from penstock.producers.operators import OperatorLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor
from penstock.schemas.topics import OPERATOR_ACTIONS
from tests.views.database import address
from tests.views.test_applier import Views, count

OLGA = Actor(kind="person", subject="olga", roles=("operator",))
KEYS = Keyring(
    [
        *(
            Key(one.value, secrets.token_bytes(32), one)
            for one in (Authority.API, Authority.OPERATOR, Authority.TOOLS)
        ),
        Key("app:local", secrets.token_bytes(32), Authority.APP, "local"),
    ]
)


def said(log: MemoryLog, authority: Authority = Authority.API, *, action_id: str | None = None) -> None:
    """One action, signed by that authority's key."""
    publisher = Publisher(log, pinned_codec(), KEYS.signer(authority), "tests")
    operators = OperatorLog(publisher, "local")
    operators.record(
        OLGA, "key.create", "key 7", "for Ana\x00", {"n": [1, "\x00"]}, action_id=action_id
    ).wait(5)


def project(views: Views, log: MemoryLog) -> None:
    catch_up(Applier(views, pinned_codec(), KEYS), log, [OPERATOR_ACTIONS])


def rows_and_dead(views: Views) -> tuple[int, list[tuple[object, ...]]]:
    dead = views.execute("SELECT error_class, error_stage, topic FROM views.dead_letter").fetchall()
    return count(views, "operator_action"), dead


def test_an_action_is_a_row_with_who_what_and_why(views: Views, log: MemoryLog) -> None:
    said(log)
    said(log, Authority.OPERATOR)
    project(views, log)
    first, second = views.execute(
        "SELECT tenant, action, target, reason, detail, subject, actor, said_by FROM views.operator_action"
        ' ORDER BY "offset"'
    ).fetchall()
    actor = {"kind": "person", "subject": "olga", "roles": ["operator"]}
    assert first[:4] == ("local", "key.create", "key 7", "for Ana\ufffd")
    assert first[4:] == ({"n": [1, "\ufffd"]}, "olga", actor, "api")
    assert second[-1] == "operator"
    assert compare_actions(views, log, KEYS).differences == ()
    assert compare_actions(views, log, KEYS).rows == 2


def test_the_same_action_said_twice_is_one_row(views: Views, log: MemoryLog) -> None:
    for _ in range(2):
        said(log, action_id="484a9a60-5af7-5170-8b4e-5f31451435f0")
        project(views, log)
    assert rows_and_dead(views) == (1, [])
    assert compare_actions(views, log, KEYS).differences == ()


@pytest.mark.parametrize("authority", [Authority.APP, Authority.TOOLS])
def test_what_no_door_signed_is_a_dead_letter(views: Views, log: MemoryLog, authority: Authority) -> None:
    said(log, authority)
    project(views, log)
    assert rows_and_dead(views) == (0, [("NotVouchedFor", "projection", OPERATOR_ACTIONS)])
    assert compare_actions(views, log, KEYS).differences == ()


@pytest.mark.parametrize("spoil", ["unsigned", "changed", "moved", "nonsense"])
def test_a_strangers_record_is_a_dead_letter_and_stands_for_nobody(
    views: Views, log: MemoryLog, spoil: str
) -> None:
    aside = MemoryLog()
    said(aside)
    (good,) = [r for p in range(6) for r in aside.read(OPERATOR_ACTIONS, p, 0, 9)]
    copy = Outgoing(OPERATOR_ACTIONS, good.key, good.value, good.headers)
    spoiled = {
        "unsigned": replace(copy, headers=()),
        "changed": replace(copy, value=(good.value or b"").replace(b"key 7", b"key 8")),
        "moved": replace(copy, partition=(good.partition + 1) % 6),
        "nonsense": replace(copy, value=b"\x00nonsense"),
    }[spoil]
    log.append([spoiled, copy])
    project(views, log)
    errors = {
        "unsigned": "NotVouchedFor",
        "changed": "NotVouchedFor",
        "moved": "Misplaced",
        "nonsense": "Undecodable",
    }
    assert rows_and_dead(views) == (1, [(errors[spoil], "projection", OPERATOR_ACTIONS)])
    assert compare_actions(views, log, KEYS).differences == ()


def test_the_views_made_anew_say_the_same(views: Views, log: MemoryLog) -> None:
    said(log)
    project(views, log)
    before = views.execute("SELECT * FROM views.operator_action").fetchall()
    rebuild(address(views))
    assert count(views, "operator_action") == 0
    project(views, log)
    assert views.execute("SELECT * FROM views.operator_action").fetchall() == before


def test_the_comparison_finds_a_row_that_the_log_doesnt_say(views: Views, log: MemoryLog) -> None:
    said(log)
    project(views, log)
    views.execute("UPDATE views.operator_action SET reason = 'another'")
    (difference,) = compare_actions(views, log, KEYS).differences
    assert (difference.column, difference.in_view) == ("reason", "another")
    assert json.dumps(difference.in_log) == json.dumps("for Ana\ufffd")
