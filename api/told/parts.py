"""What many answers have in them."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

# By route, as the description writes it: the shape of all its successes, or of each by its status.
Shapes: TypeAlias = Mapping[str, type | Mapping[str, type]]


def said(words: str, **schema: Any) -> Any:
    """A field's description, and what else its schema says, by the names of JSON Schema."""
    # None would take away what the field's type says by itself.
    return Field(description=words, json_schema_extra=schema) if schema else Field(description=words)


_MOMENT: Final = {"format": "date-time", "examples": ["2025-10-09T08:53:20.001Z"]}
# UTC, in RFC 3339, to the millisecond.
Moment: TypeAlias = Annotated[str, said("A moment, in UTC.", **_MOMENT)]
Uuid: TypeAlias = Annotated[str, said("An id.", format="uuid")]
InputId: TypeAlias = Annotated[
    Uuid, said("The input on the log that says it; the same Idempotency-Key is the same input.")
]
Cursor: TypeAlias = Annotated[
    str | None, said("Give it as `cursor` to have what comes next; null where the list ends.")
]
Seq: TypeAlias = Annotated[
    int, said("The number of an event in the history of its run or schedule, from 1.", minimum=1)
]
Json: TypeAlias = Annotated[Any, said("Any JSON.")]


class Failed(TypedDict):
    """Why something ended badly."""

    kind: Annotated[str, said("The kind of the error, for programs.")]
    message: Annotated[str, said("What happened, for people.")]


class Actor(TypedDict):
    """Who did it, as the log has it."""

    kind: Annotated[
        Literal["unknown", "person", "app", "service", "rule"],
        said(
            "What kind of party: `rule` is a standing rule that decides, `unknown` one that a later release knows."
        ),
    ]
    subject: Annotated[str, said("The party's name in its tenant.")]
    roles: list[str]
