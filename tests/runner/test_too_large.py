"""What is too large, by every route into a decision: it is refused, parked or set aside, and the next input goes on."""

from collections.abc import Sequence
from typing import Final

import pytest

from penstock import Application, Run, workflow
from penstock.producers.errors import EnvelopeTooLarge
from penstock.producers.memory import MemoryLog
from penstock.producers.publisher import Publisher
from penstock.producers.runs import RunClient
from penstock.producers.signing import Authority
from penstock.schemas.canonical import INLINE_BYTES_MAX, json_payload
from penstock.schemas.envelope_limits import (
    ROLES_BYTES_MAX,
    SIGNATURE_BYTES_MAX,
    SUBJECT_BYTES_MAX,
    TENANT_BYTES_MAX,
)
from penstock.schemas.ids import derived_id, run_id
from penstock.schemas.log.records import DiscardInput, InputRefused, InputReleased, ReleaseInput
from penstock.schemas.run.records import (
    CancelRun,
    SignalRun,
)
from penstock.schemas.topics import RUN_INBOX
from penstock.streams.journal import Commit

from .large import (
    CLERK,
    DECISION_BYTES_MAX,
    IN_A_ROW,
    MUCH,
    Go,
    Send,
    Site,
    act,
    after,
    go,
    roles,
    start,
    subject,
    vote,
)
from .tally import CODEC, KEYRING

CASES: Final[Sequence[tuple[str, Send, str]]] = (
    (
        "a subject at its limit",
        lambda s, r: s.send(r, start("ends"), subject(SUBJECT_BYTES_MAX)),
        "RunCompleted",
    ),
    (
        "a subject over it",
        lambda s, r: s.send(r, start("ends"), subject(SUBJECT_BYTES_MAX + 1)),
        "dead letter TooLarge",
    ),
    (
        "a subject of all there is",
        lambda s, r: s.send(r, start("ends"), subject(MUCH)),
        "dead letter TooLarge",
    ),
    ("roles at their limit", lambda s, r: s.send(r, start("ends"), roles(ROLES_BYTES_MAX)), "RunCompleted"),
    (
        "roles over it",
        lambda s, r: s.send(r, start("ends"), roles(ROLES_BYTES_MAX + 8)),
        "dead letter TooLarge",
    ),
    (
        "a tenant at its limit",
        lambda s, r: s.send(r, start("ends"), tenant="t" * TENANT_BYTES_MAX),
        "RunCompleted",
    ),
    (
        "a tenant over it",
        lambda s, r: s.send(r, start("ends"), tenant="é" * TENANT_BYTES_MAX),
        "dead letter TooLarge",
    ),
    (
        "a signature at its limit",
        lambda s, r: s.send(r, start("ends"), penstock_signature=b"\xff" * SIGNATURE_BYTES_MAX),
        "refused unsigned",
    ),
    (
        "a signature of all there is",
        lambda s, r: s.send(r, start("ends"), penstock_signature=b"\xff" * MUCH),
        "dead letter TooLarge",
    ),
    (
        "a trace of all there is",
        lambda s, r: s.send(r, start("ends"), traceparent=b"\xff" * MUCH),
        "RunCompleted",
    ),
    ("an input of all there is", lambda s, r: s.send(r, start("ends", "x" * MUCH)), "RunCompleted"),
    (
        "a workflow's name of all there is",
        lambda s, r: s.send(r, start("\x01" * MUCH)),
        "refused unknown_workflow",
    ),
    (
        "a start that is no JSON",
        lambda s, r: s.send(r, start("ends", ["\x01" * (MUCH // 6)])),
        "refused invalid_input",
    ),
    (
        "a signal's name of all there is",
        after(start("waits"), go("\x01" * MUCH, "")),
        "refused invalid_signal",
    ),
    (
        "a signal at the limit of a payload",
        after(start("waits"), go("go", "x" * (INLINE_BYTES_MAX - 11))),
        "RunCompleted",
    ),
    (
        "a vote's comment of all there is",
        after(start("asks", "clerk"), vote("\x01" * MUCH), CLERK),
        "RunCompleted",
    ),
    (
        "a cancellation's reason",
        after(start("waits"), lambda run: CancelRun(reason="\x01" * MUCH)),
        "RunCancelled",
    ),
    ("a role that a workflow names", lambda s, r: s.send(r, start("asks")), "parked EventTooLarge"),
    ("arguments over the limit of a payload", lambda s, r: s.send(r, start("shouts")), "RunStalled"),
    ("more calls at once than may be", lambda s, r: s.send(r, start("fans-out")), "parked DecisionTooLarge"),
)


@pytest.mark.parametrize(("send", "outcome"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_what_is_too_large_says_so_and_the_next_input_goes_on(send: Send, outcome: str) -> None:
    site = Site()
    # More than may fail in a row: nobody's size is a bad deploy.
    sent = [send(site, f"run-{n}") for n in range(IN_A_ROW)]
    good = site.send("good", start("ends", "abc"))
    site.work()
    assert [site.outcome(one) for one in sent] == [outcome] * IN_A_ROW
    assert site.outcome(good) == "RunCompleted"


@workflow("asks", version=1, signals={"go": Go})
async def mended(run: Run, given: str) -> str:
    return "".join([(await run.signal("go", schema=Go)).said for _ in range(100)])


MENDED: Final = Application("mended", workflows=(mended,), tools=(act,))
BEHIND: Final = 11


@pytest.mark.parametrize(("said", "freed"), [(("\x01" * MUCH, ""), 9), (("go", "x" * 250_000), 1)])
def test_a_long_queue_is_released_in_parts_that_can_be_written(said: tuple[str, str], freed: int) -> None:
    site = Site()
    first = site.send("run", start("asks"))
    run = run_id("local", "run")
    behind = [
        site.send(
            "run",
            SignalRun(
                name=said[0], signal_id=derived_id(run, str(n)), payload=json_payload({"said": said[1]})
            ),
        )
        for n in range(BEHIND)
    ]
    site.work()
    assert [site.outcome(one) for one in behind] == ["parked parked_behind"] * BEHIND
    site.start(MENDED)
    waiting = [first, *behind]
    releases = []
    while waiting:
        parked_id = CODEC.decode_input(waiting[0].value or b"")[0].id
        releases.append(site.send("run", ReleaseInput(parked_input_id=parked_id, reason="mended")))
        site.work()
        released = [b for b in site.caused(releases[-1]) if isinstance(b, InputReleased)]
        assert released, site.outcome(releases[-1])
        if len(releases) == 1:
            assert len(released) == freed
        waiting = waiting[len(released) :]
    assert site.outcome(site.send_and_work("run", CancelRun(reason="done"))) == "RunCancelled"


def test_a_release_that_is_still_too_large_is_refused_and_a_discard_frees_the_run() -> None:
    site = Site()
    first = site.send("run", start("asks"))
    parked_id = CODEC.decode_input(first.value or b"")[0].id
    again = site.send_and_work("run", ReleaseInput(parked_input_id=parked_id, reason="again"))
    assert site.outcome(first) == "parked EventTooLarge"
    assert site.outcome(again) == "refused still_unappliable"
    (refusal,) = site.caused(again)
    assert isinstance(refusal, InputRefused)
    assert "ApprovalRequested takes 314" in refusal.detail
    assert "pass large content by reference" in refusal.detail
    site.send_and_work("run", DiscardInput(parked_input_id=parked_id, reason="hopeless"))
    assert site.outcome(site.send_and_work("run", start("ends"))) == "RunCompleted"


def test_what_nobody_signed_is_not_kept_behind_a_parked_input() -> None:
    site = Site()
    site.send("run", start("asks"))
    unsigned = site.send_and_work("run", start("ends", "x" * MUCH), penstock_signature=b"")
    assert site.outcome(unsigned) == "refused unsigned"


def test_a_turn_that_causes_much_is_committed_in_parts() -> None:
    site = Site()
    sent = [site.send(f"run-{n}", start("ends", "x" * MUCH)) for n in range(8)]
    commits: list[int] = []
    commit = site.journal.commit

    def counting(batches: Sequence[Commit]) -> frozenset[int]:
        commits.append(sum(len(row.value) for batch in batches for row in batch.rows))
        return commit(batches)

    site.journal.commit = counting  # type: ignore[method-assign]
    site.work()
    assert [site.outcome(one) for one in sent] == ["RunCompleted"] * 8
    assert len(commits) == 3
    assert max(commits) < 2 * DECISION_BYTES_MAX


def test_an_envelope_that_is_too_long_is_refused_where_it_is_made() -> None:
    log = MemoryLog({RUN_INBOX: 1})
    client = RunClient(Publisher(log, CODEC, KEYRING.signer(Authority.API), "tests"), "local", subject(2_000))
    with pytest.raises(EnvelopeTooLarge, match="the actor's subject takes 2000 bytes, of 1024 at most"):
        client.start("ends", "", "key")
    assert log.bounds(RUN_INBOX, 0) == (0, 0)
