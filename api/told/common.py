"""What many answers have in them."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

# By route, as the description writes it: the shape of all its successes, or of each by its status.
Shapes: TypeAlias = Mapping[str, type | Mapping[str, type]]


def said(words: str, **schema: Any) -> Any:
    """A field's description, and what else its schema says, by the names of JSON Schema."""
    return Field(description=words, json_schema_extra=schema or None)


_MOMENT: Final = {"format": "date-time", "examples": ["2025-10-09T08:53:20.001Z"]}
# UTC, in RFC 3339, to the millisecond.
Moment: TypeAlias = Annotated[str, said("A moment, in UTC.", **_MOMENT)]
Uuid: TypeAlias = Annotated[str, said("An id.", format="uuid")]
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

    kind: Annotated[str, said("`person`, `app`, `service` or `system`.")]
    subject: str
    roles: list[str]
