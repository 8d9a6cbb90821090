"""Answers about dead letters, operators' actions and feedback."""

from typing import Annotated, Final, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

from penstock.api.told.parts import Actor, Cursor, Json, Moment, Seq, Shapes, Uuid, said
from penstock.api.told.runs import ToldRun

_State: TypeAlias = Annotated[
    Literal["open", "redriving", "redriven", "discarded"],
    said("How it stands. `redriving`: begun, and not known to be done; redrive it again to find out."),
]
_Partition: TypeAlias = Annotated[int, said("The topic's partition.", minimum=0)]
_Offset: TypeAlias = Annotated[int, said("The record's offset there.", minimum=0)]
_Group: TypeAlias = Annotated[str, said("The consumer group that couldn't take it.")]
_LogTime: TypeAlias = Annotated[
    Moment | None, said("The record's time on the log; null where it is a number that no calendar has.")
]
_Detail: TypeAlias = Annotated[dict[str, Json], said("What else there is to know; each kind has its own.")]

# The functional form, because `class` is no identifier.
DeadLetterError = TypedDict(
    "DeadLetterError",
    {
        "class": Annotated[str, said("`Undecodable`, `Misplaced`, `TooLarge` and so on.")],
        "message": Annotated[str, said("What is wrong with it, for people.")],
        "stage": Annotated[str, said("Where: `receive`, `place`, `decode`, `projection` and so on.")],
    },
)
DeadLetterError.__doc__ = "Why a record couldn't be taken."


class ActionPlace(TypedDict):
    """Where an action stands on the topic of operators' actions."""

    partition: _Partition
    offset: _Offset


class RecordPlace(ActionPlace):
    """Where a record stands on the log."""

    topic: str


class DeadLetter(RecordPlace):
    """A record that a consumer group couldn't take, and where it stands on the log."""

    id: Annotated[Uuid, said("The record's id; the same for each group that couldn't take it.")]
    state: _State
    time: _LogTime
    group: _Group
    error: DeadLetterError
    bytes: Annotated[int | None, said("How long its value is, in bytes; null if it has none.")]


class DeadLetterPage(TypedDict):
    """Some of the tenant's dead letters, newest first."""

    dead_letters: list[DeadLetter]
    next_cursor: Cursor


class DeadLetterRefusal(DeadLetterError):
    """Who couldn't take a record, and why."""

    group: _Group


class DeadLetterKey(TypedDict):
    """A record's key."""

    text: Annotated[str, said("As UTF-8; bytes that aren't, as \\xNN.")]
    hex: str


class RecordSaid(TypedDict):
    """What the envelope of a record says of itself."""

    id: Annotated[str, said("The id of the input, event or action.")]
    tenant: str
    actor: Actor
    time: Annotated[Moment | None, said("When it was said; null where it is a number that no calendar has.")]


class DecodedRecord(TypedDict):
    """A record's value as its Avro schema reads it."""

    type: Annotated[str, said("Its Avro schema's name.")]
    entity_id: Annotated[str, said("The run, the schedule or the tenant that it is about.")]
    fields: Annotated[dict[str, Json], said("Bytes are in base64.")]
    said: RecordSaid


class DeadLetterValue(TypedDict):
    """A record's value. Of one too large for its topic all this is of the beginning, which is kept."""

    bytes: Annotated[int, said("How long it is, in bytes.", minimum=0)]
    sha256: Annotated[str, said("In lower-case hex.")]
    decoded: Annotated[DecodedRecord | None, said("Null where it can't be decoded.")]
    undecodable: Annotated[str | None, said("Why it can't be decoded; null where it can.")]
    hex: Annotated[list[str], said("Its first 4,096 bytes, 16 a line: offset, hex, ASCII.")]


class DeadLetterAction(TypedDict):
    """Something that an operator did with a dead letter."""

    id: Annotated[Uuid, said("The action's id.")]
    time: Moment
    actor: Actor
    action: Literal["dead-letter.redrive", "dead-letter.put-back", "dead-letter.discard"]
    reason: Annotated[
        str, said("Why; empty for `dead-letter.put-back`, by which a redrive says that it is done.")
    ]
    detail: _Detail


class DeadLetterDetail(TypedDict):
    """All of a dead letter: its bytes, why it couldn't be taken, and what was done with it."""

    id: Uuid
    tenant: str
    state: _State
    time: _LogTime
    stands_at: RecordPlace
    refused_by: Annotated[list[DeadLetterRefusal], said("Each group that couldn't take it.")]
    key: Annotated[DeadLetterKey | None, said("Null if the record has none.")]
    headers: Annotated[
        list[tuple[str, str]], said("Name and value of each, in order. A name may come twice.")
    ]
    value: Annotated[DeadLetterValue | None, said("Null if the record has none.")]
    done: Annotated[list[DeadLetterAction], said("In order.")]


class _Handled(TypedDict):
    id: Annotated[Uuid, said("The dead letter's id.")]
    action_id: Annotated[Uuid, said("The operator's action that did it.")]


class RedrivenLetter(_Handled, RecordPlace):
    """A dead letter that was put back, and where it stands now."""

    state: Literal["redriven"]
    mended: Annotated[bool, said("Whether a replacement was put there instead of the record itself.")]


class DiscardedLetter(_Handled):
    """A dead letter that was given up."""

    state: Literal["discarded"]


class DeadLetterCount(TypedDict):
    """How many dead letters match, of one kind."""

    topic: str
    consumer_group: _Group
    error_class: str
    state: _State
    count: Annotated[int, said("How many records.", minimum=1)]


class DeadLetterDryRun(TypedDict):
    """What a redrive or discard of all that match would do. Nothing was done."""

    dry_run: Literal[True]
    would: Literal["redrive", "discard"]
    count: Annotated[
        int, said("How many records it would come to: at most the request's `limit`.", minimum=0)
    ]
    more_than_limit: Annotated[bool, said("Whether more match than `limit`.")]
    counts: Annotated[list[DeadLetterCount], said("All that match, by kind; not held to `limit`.")]
    sample: Annotated[list[DeadLetter], said("The newest of them, at most 10.")]


class OperatorAction(TypedDict):
    """Something that an operator did."""

    id: Annotated[Uuid, said("The action's id.")]
    time: Moment
    actor: Actor
    action: Annotated[str, said("What was done, as thing.verb: `key.create`, `run.bulk_cancel` and so on.")]
    target: Annotated[str, said("What it was done to: an id, or which ones.")]
    reason: Annotated[str, said("Why; empty where nobody said.")]
    detail: _Detail
    said_by: Annotated[Literal["api", "command line"], said("The door that the operator came by.")]
    stands_at: ActionPlace


class OperatorActionPage(TypedDict):
    """Some of what operators of the tenant did, newest first."""

    actions: list[OperatorAction]
    next_cursor: Cursor


class Feedback(TypedDict):
    """What somebody thinks of a run, or of a call or an event in it."""

    feedback_id: Uuid
    run_id: Uuid
    call_id: Annotated[Uuid | None, said("The call that it is about, if it is about one.")]
    seq: Annotated[Seq | None, said("The event that it is about, if it is about one.")]
    score: Annotated[float | None, said("From -1000 to 1000, with at most three decimals.")]
    label: str | None
    tags: list[str]
    comment: str | None
    given_by: Actor
    given_at: Moment
    links: dict[str, str]


class FeedbackScores(TypedDict):
    """The scores of some feedback."""

    count: Annotated[int, said("How many have a score.", minimum=0)]
    mean: Annotated[float | None, said("Null where none has a score.")]
    lowest: float | None
    highest: float | None


class FeedbackSummary(TypedDict):
    """Counts of all feedback that matches, or of the 10,000 newest."""

    count: Annotated[int, said("How many were counted.", minimum=0)]
    scores: FeedbackScores
    labels: Annotated[dict[str, int], said("How many have each label: the 50 commonest.")]


class FeedbackPage(TypedDict):
    """Some of the tenant's feedback, newest first."""

    feedback: list[Feedback]
    next_cursor: Cursor
    summary: NotRequired[Annotated[FeedbackSummary, said("With `summary=true`.")]]


SHAPES: Final[Shapes] = {
    "GET /v1/dead-letters": DeadLetterPage,
    "GET /v1/dead-letters/{dead_letter_id}": DeadLetterDetail,
    "POST /v1/dead-letters/redrive": DeadLetterDryRun,
    "POST /v1/dead-letters/discard": DeadLetterDryRun,
    "POST /v1/dead-letters/{dead_letter_id}/redrive": RedrivenLetter,
    "POST /v1/dead-letters/{dead_letter_id}/discard": DiscardedLetter,
    "GET /v1/operator-actions": OperatorActionPage,
    "POST /v1/feedback": ToldRun,
    "GET /v1/feedback": FeedbackPage,
}
