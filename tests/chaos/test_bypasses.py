"""Every way round an approval that an outsider, an app or the requester could try on the running system.

Ways that only a workflow could take (other arguments, other version, a grant used twice) are in tests/decisions.
"""

import time
import uuid

import pytest

from penstock.audit import reading
from penstock.producers.log import Outgoing
from penstock.producers.publisher import Publisher
from penstock.producers.runs import RunClient
from penstock.producers.signing import Authority, Key, Keyring, Signer
from penstock.runtime.postgres import connect
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.headers import input_headers
from penstock.schemas.run.records import CastVote, CompleteToolCall
from penstock.schemas.topics import RUN_INBOX
from tests.chaos.stack import TENANT, Stack
from tests.integration.processes import eventually

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(240)]


def client(stack: Stack, signer: Signer, actor: Actor, tenant: str = TENANT) -> RunClient:
    return RunClient(Publisher(stack.log, pinned_codec(), signer, "bypass"), tenant, actor)


def waiting_run(stack: Stack) -> reading.WaitingApproval:
    run_id = stack.publish(1)[0]
    found: list[reading.WaitingApproval] = []

    def asked() -> bool:
        with connect(stack.database_url) as connection:
            found[:] = [a for a in reading.waiting_approvals(connection) if a.run_id == run_id]
        return bool(found)

    eventually(asked, 30, stack.children.tails)
    return found[0]


def reasons(stack: Stack, run_id: str, count: int) -> list[str]:
    """The refusals of a run, once there are so many."""

    def refused() -> list[str]:
        with connect(stack.database_url) as connection:
            trail = reading.trail(connection, run_id)
        return [str(line.event["reason"]) for line in trail if line.type in ("VoteRefused", "InputRefused")]

    eventually(lambda: len(refused()) >= count, 20, lambda: f"{refused()}\n{stack.children.tails()}")
    return refused()


def test_no_way_round_an_approval_on_the_running_system(stack: Stack) -> None:
    keyring = Keyring.load(stack.home / "keys.json")
    api = keyring.signer(Authority.API)
    sam = Actor(kind="person", subject="sam", roles=("supervisor",))
    asked = waiting_run(stack)
    run_id, approval, sha = asked.run_id, asked.approval_id, asked.args_sha256
    before = len(stack.executions())

    client(stack, api, Actor(kind="person", subject="app:local", roles=("supervisor",))).vote(
        run_id, approval, "grant", sha
    ).wait(10)
    client(stack, api, Actor(kind="person", subject="ana", roles=("analyst",))).vote(
        run_id, approval, "grant", sha
    ).wait(10)
    client(stack, api, sam).vote(run_id, approval, "grant", "0" * 64).wait(10)
    client(stack, api, Actor(kind="app", subject="robot", roles=("supervisor",))).vote(
        run_id, approval, "grant", sha
    ).wait(10)
    client(stack, keyring.signer(Authority.APP), sam).vote(run_id, approval, "grant", sha).wait(10)
    client(stack, api, sam, tenant="other").vote(run_id, approval, "grant", sha).wait(10)
    forger = Signer(Key("api", b"x" * 32, Authority.API, None))
    client(stack, forger, sam).vote(run_id, approval, "grant", sha).wait(10)
    unsigned(stack, run_id, CastVote(approval_id=approval, decision="grant", args_sha256=sha), sam)
    answer = CompleteToolCall(
        call_id=str(uuid.uuid4()), attempt=1, lease_id="mine", result=json_payload("paid"), duration_ms=1
    )
    unsigned(stack, run_id, answer, sam)

    assert sorted(reasons(stack, run_id, 9)) == sorted(
        [
            *("own_request", "wrong_role", "other_arguments", "not_a_person", "not_authorized"),
            *("other_tenant", "unsigned", "unsigned", "unsigned"),
        ]
    )
    time.sleep(1)
    assert len(stack.executions()) == before, "nothing was paid"

    other = waiting_run(stack)
    vote_id = str(uuid.uuid4())
    voter = client(stack, api, sam)
    voter.vote(run_id, approval, "grant", sha, input_id=vote_id).wait(10)
    replay(stack, run_id, other.run_id, vote_id)
    stack.finish()
    paid = [line for line in trail_types(stack, run_id) if line == "ToolCallStarted"]
    assert paid == ["ToolCallStarted"]


def unsigned(stack: Stack, run_id: str, body: CastVote | CompleteToolCall, actor: Actor) -> None:
    """Written straight to Kafka, by somebody who has no key."""
    meta = InputMeta(
        id=str(uuid.uuid4()),
        type=type(body).__name__,
        tenant=TENANT,
        entity_id=run_id,
        time_ms=0,
        actor=actor,
    )
    value = pinned_codec().encode(meta, body)
    stack.log.append([Outgoing(RUN_INBOX, run_id.encode(), value, input_headers(meta, "stranger", ""))])


def replay(stack: Stack, run_id: str, other_run: str, vote_id: str) -> None:
    """Copy a good vote, byte for byte, to its own run again and under another run's key."""
    codec = pinned_codec()
    for partition in range(stack.log.partitions(RUN_INBOX)):
        for record in list(stack.log.read(RUN_INBOX, partition, *stack.log.bounds(RUN_INBOX, partition))):
            if record.key == run_id.encode() and codec.decode_input(record.value or b"")[0].id == vote_id:
                for key in (run_id, other_run):
                    stack.log.append([Outgoing(RUN_INBOX, key.encode(), record.value, record.headers)])
                return
    raise AssertionError("the vote isn't on the log")


def trail_types(stack: Stack, run_id: str) -> list[str]:
    with connect(stack.database_url) as connection:
        return [line.type for line in reading.trail(connection, run_id)]
