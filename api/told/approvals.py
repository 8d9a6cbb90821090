"""Answers about approvals, votes and what else is done with them."""

from typing import Annotated, Final, Literal, TypeAlias

from typing_extensions import TypedDict

from penstock.api.told.parts import Cursor, InputId, Json, Moment, Seq, Shapes, Uuid, said
from penstock.api.told.runs import Effect

_ApprovalId: TypeAlias = Annotated[Uuid, said("The approval's id.")]
_RunId: TypeAlias = Annotated[Uuid, said("The run that asks for it.")]
_Role: TypeAlias = Annotated[str | None, said("The role that decides it now; null where a rule granted it.")]
_Came: TypeAlias = Annotated[
    Seq | None, said("The event in the run's history that says what came of it; null for a dead letter.")
]
_Event: TypeAlias = Annotated[
    Effect, said("That event; of a dead letter `dead_letter_id`, `error` and `stage`.")
]


class ApprovalLinks(TypedDict):
    """Paths of what belongs to an approval."""

    self: str
    run: Annotated[str, said("The events of its run.")]
    votes: str
    delegate: str
    escalate: str


class Approval(TypedDict):
    """A question to people whether a tool may be called with these arguments, or a grant that a rule gave by itself."""

    approval_id: _ApprovalId
    run_id: _RunId
    tool: Annotated[str, said("The name of the tool that is to be called.")]
    tool_version: int
    arguments: Annotated[
        Json,
        said(
            "What the tool is to be called with: any JSON; null where a rule granted it, or where the arguments "
            "can't be shown."
        ),
    ]
    args_sha256: Annotated[
        str, said("SHA-256 of the arguments' canonical JSON, in lower-case hex: a vote repeats it.")
    ]
    role: _Role
    quorum: Annotated[int | None, said("How many people must grant it; null where a rule granted it.")]
    status: Annotated[
        Literal["waiting", "granted", "refused", "expired", "closed"],
        said("`expired`: not decided in time. `closed`: its run ended before it was decided."),
    ]
    requester: Annotated[
        str | None,
        said("The subject that started the run and never votes on it; null where the start isn't known."),
    ]
    requesters_before: Annotated[
        list[str], said("Subjects that started the runs which this one tries again: they don't vote either.")
    ]
    decided_by: Annotated[
        list[str], said("Subjects whose votes decided it, or the name of the rule; empty until then.")
    ]
    voters: Annotated[list[str], said("Subjects whose votes for it were counted while it took more of them.")]
    rule: Annotated[str | None, said("The rule that granted it; null where people decide.")]
    reason: Annotated[
        str | None, said("Why it was refused, maybe empty; null where it wasn't refused by a vote.")
    ]
    delegate: Annotated[
        str | None, said("The subject that it was handed to, who may vote without the role; null for nobody.")
    ]
    delegated_by: Annotated[
        list[str], said("Subjects that handed it on, each once, the latest last; under its present role.")
    ]
    escalate_to: Annotated[
        str | None, said("The role that it goes to if it is escalated; null where it can't be.")
    ]
    escalate_at: Annotated[
        Moment | None, said("When it goes there by itself; null where only a person has it go there.")
    ]
    escalated_by: Annotated[
        str | None,
        said("The subject that had it go there, or the service that did so in time; null until then."),
    ]
    escalated_at: Annotated[Moment | None, said("When it went there; null until then.")]
    requested_at: Annotated[Moment | None, said("When it was asked for; null where a rule granted it.")]
    decided_at: Annotated[Moment | None, said("When it was granted or refused, or expired; null until then.")]
    expires_at: Annotated[Moment, said("Until when it can be decided, and how long its grant is good.")]
    may_vote: Annotated[bool, said("Whether the caller may decide it now: a hint, for the run judges votes.")]
    links: ApprovalLinks


class ApprovalPage(TypedDict):
    """Approvals, oldest first."""

    approvals: list[Approval]
    next_cursor: Cursor


class ApprovalTold(TypedDict):
    """What was said about an approval, whatever came of it."""

    approval_id: _ApprovalId
    run_id: _RunId
    input_id: InputId


class ApprovalPending(ApprovalTold):
    """It stands on the log, and what comes of it isn't known yet."""

    outcome: Literal["pending"]


class CountedVote(ApprovalTold):
    """What came of a vote."""

    outcome: Annotated[
        Literal["granted", "refused", "counted", "parked", "discarded", "dead_letter"],
        said(
            "`refused`: the approval was, by this vote. `counted`: it takes more votes. `parked`: an operator must "
            "look after the run first. `discarded`: they gave it up. `dead_letter`: it couldn't be taken."
        ),
    ]
    seq: _Came
    event: _Event


class DelegatedApproval(ApprovalTold):
    """What came of handing an approval to a person, and the approval after that."""

    outcome: Annotated[
        Literal["delegated", "unchanged", "parked", "discarded", "dead_letter"],
        said(
            "`unchanged`: it was with that person already. `parked`: an operator must look after the run first. "
            "`discarded`: they gave it up. `dead_letter`: it couldn't be taken."
        ),
    ]
    seq: _Came
    event: _Event
    approval: Approval


class EscalatedApproval(ApprovalTold):
    """What came of escalating an approval, and the approval after that."""

    outcome: Annotated[
        Literal["escalated", "unchanged", "parked", "discarded", "dead_letter"],
        said(
            "`unchanged`: it was with that role already. `parked`: an operator must look after the run first. "
            "`discarded`: they gave it up. `dead_letter`: it couldn't be taken."
        ),
    ]
    seq: _Came
    event: _Event
    approval: Approval


SHAPES: Final[Shapes] = {
    "GET /v1/approvals": ApprovalPage,
    "GET /v1/approvals/{approval_id}": Approval,
    "POST /v1/approvals/{approval_id}/votes": {"200": CountedVote, "202": ApprovalPending},
    "POST /v1/approvals/{approval_id}/delegate": {"200": DelegatedApproval, "202": ApprovalPending},
    "POST /v1/approvals/{approval_id}/escalate": {"200": EscalatedApproval, "202": ApprovalPending},
}
