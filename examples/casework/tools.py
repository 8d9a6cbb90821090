"""The tools of a case review. Each docstring is what a model would be shown of the tool.

Analysts and supervisors start reviews, so every tool is theirs to call through a run; a write needs a grant
as well. Only `update_case_status` is unsafe: the store behind it can't tell a repetition.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from penstock.declare.call import Call, Happened, NeverWill, Reconciled
from penstock.declare.errors import Declined, NotDone
from penstock.declare.retry import Retry
from penstock.declare.rules import approval_rule
from penstock.declare.tools import tool
from penstock.examples.casework.database import PoolTimeout
from penstock.examples.casework.desk import desk
from penstock.examples.casework.facts import CaseFacts
from penstock.examples.casework.letters import LETTER_CHARACTERS_MAX
from penstock.examples.casework.policy import HITS_MAX
from penstock.examples.casework.recommendation import Draft, Hit, Outcome
from penstock.examples.casework.store import STATUSES, CaseUnknown, Execution, StoreRefused

OWNER: Final = "casework"
ROLES: Final = ("analyst", "supervisor")
# Reads wait out a restart of the database rather than fail a review that a person will want tomorrow.
_READS: Final = Retry(attempts=12, longest=timedelta(seconds=30))


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DraftInputs(_Frozen):
    """What the drafter gets: the facts of the case and the evidence found for it."""

    facts: CaseFacts
    policy: tuple[Hit, ...]


class CaseUpdated(_Frozen):
    """What was carried out, as the store's own journal has it: who settles a doubt by hand copies its row."""

    case_id: str
    outcome: Outcome
    amount_cents: int
    nonce: UUID
    executed_at: AwareDatetime


class NoticeSent(_Frozen):
    """`now` False: this very letter had gone out before."""

    case_id: str
    now: bool


@tool(effect="read", owner=OWNER, roles=ROLES, timeout=timedelta(seconds=10), retry=_READS)
def read_case(call: Call, *, case_id: str) -> CaseFacts:
    """Read one dispute case: the intake form, its status, and the consumer's narrative (never orders)."""
    try:
        return desk().store.read(case_id)
    except CaseUnknown as error:
        raise Declined(str(error)) from error


@tool(
    name="retrieve:policy",
    effect="read",
    owner=OWNER,
    roles=ROLES,
    timeout=timedelta(seconds=10),
    retry=_READS,
)
def retrieve_policy(
    call: Call, *, query: str, k: Annotated[int, Field(ge=1, le=HITS_MAX)] = 8
) -> tuple[Hit, ...]:
    """Find policy paragraphs, best first. One question a line; the lines share the k hits between them."""
    return desk().policy.search(query, k)


@tool(
    name="model:recommendation",
    effect="read",
    owner=OWNER,
    roles=ROLES,
    timeout=timedelta(seconds=60),
    retry=_READS,
)
def recommend(call: Call, *, inputs: DraftInputs, schema: dict[str, JsonValue]) -> Draft:
    """Draft a recommendation for a case from its facts and policy evidence, citing paragraphs by id.

    No model is asked: a deterministic drafter stands behind the port `Drafter`, and the model gateway will
    take its place. `schema` must be that of a Draft, which is all it can write.
    """
    if schema.get("title") != Draft.__name__:
        raise Declined(f"this drafter writes a Draft and not a {schema.get('title')}")
    return desk().drafter.draft(inputs.facts, inputs.policy)


def look_in_journal(call: Call, arguments: Mapping[str, object]) -> Reconciled:
    """What became of an update: its execution in the store's journal, or else this attempt is voided there.

    Then the call may be tried again under its grant: a worker that comes late with this attempt is declined.
    """
    execution = desk().store.void(call.idempotency_key, call.attempt)
    return NeverWill() if execution is None else Happened(_updated(execution))


@tool(
    effect="unsafe",
    risk="high",
    owner=OWNER,
    roles=ROLES,
    timeout=timedelta(seconds=10),
    concurrency=8,
    reconcile=look_in_journal,
)
def update_case_status(
    call: Call,
    *,
    case_id: str,
    outcome: Outcome,
    amount_cents: Annotated[int, Field(ge=0)],
    citations: tuple[str, ...],
    index_version: str | None,
) -> CaseUpdated:
    """Carry out the decision on a case: set its status, credit the amount in cents. A person must grant it.

    Declined when the policy has changed since the recommendation was drafted: review the case again.
    """
    at = desk()
    arguments: dict[str, object] = {
        "case_id": case_id,
        "outcome": outcome,
        "amount_cents": amount_cents,
        "citations": list(citations),
        "index_version": index_version,
    }
    try:
        if index_version is None or index_version != at.policy.current_version():
            raise Declined(f"the recommendation rests on policy {index_version}, which isn't the current one")
        execution = at.store.update(
            call.idempotency_key,
            case_id=case_id,
            outcome=outcome,
            amount_cents=amount_cents,
            arguments=arguments,
            attempt=call.attempt,
        )
    except StoreRefused as error:
        raise Declined(str(error)) from error
    except PoolTimeout as error:
        raise NotDone(f"no connection to the case store: {error}") from error
    return _updated(execution)


@tool(
    effect="idempotent",
    risk="low",
    owner=OWNER,
    roles=ROLES,
    timeout=timedelta(seconds=10),
    retry=_READS,
)
def notify_consumer(
    call: Call,
    *,
    case_id: str,
    kind: Outcome,
    letter: Annotated[str, Field(min_length=1, max_length=LETTER_CHARACTERS_MAX)],
) -> NoticeSent:
    """Send the consumer the letter that goes with a decision. Repeating the call doesn't send it again."""
    arguments: dict[str, object] = {"case_id": case_id, "kind": kind}
    try:
        now = desk().store.send(
            call.idempotency_key, case_id=case_id, kind=kind, letter=letter, arguments=arguments
        )
    except StoreRefused as error:
        raise Declined(str(error)) from error
    return NoticeSent(case_id=case_id, now=now)


@approval_rule(tool=notify_consumer, version=1)
def letters_that_refuse_nothing(arguments: Mapping[str, object]) -> bool:
    """Releases every letter but a refusal, which a person reads first (manual, dp-7-2 and dp-12-4)."""
    kind = arguments.get("kind")
    return kind in STATUSES and kind != "deny"


def _updated(execution: Execution) -> CaseUpdated:
    done = {name: execution.arguments[name] for name in ("case_id", "outcome", "amount_cents")}
    return CaseUpdated.model_validate(
        {**done, "nonce": execution.nonce, "executed_at": execution.executed_at}
    )
