"""ETags of runs: `"7"` is a run as it stands after its event 7. What a request says of them in its headers."""

from typing import Annotated

from fastapi import Header

from penstock.api.problems import Problem

TAGS_CHARACTERS_MAX = 1_000
IfNoneMatch = Annotated[
    str | None,
    Header(max_length=TAGS_CHARACTERS_MAX, description="The ETag that you have: 304 if it is still that."),
]
IfMatch = Annotated[
    str | None,
    Header(
        max_length=TAGS_CHARACTERS_MAX,
        description="The ETag of the run that you looked at: 412 if the run has moved on since.",
    ),
]


def etag(last_seq: int) -> str:
    """A run's tag. It is strong: the same seq is the same document, whoever asks."""
    return f'"{last_seq}"'


def tags_of(header: str) -> frozenset[str]:
    """What an If-Match or If-None-Match names: ETags, or `*` for any."""
    return frozenset(tag.strip() for tag in header.split(","))


def is_same(if_none_match: str | None, last_seq: int) -> bool:
    """Whether the caller has this already."""
    if if_none_match is None:
        return False
    tags = {tag.removeprefix("W/") for tag in tags_of(if_none_match)}
    return "*" in tags or etag(last_seq) in tags


def check_if_match(if_match: str | None, last_seq: int) -> None:
    """Raises a 412 problem if the run isn't as the caller saw it, as far as the views know.

    It is checked at the door: what the run decides between this and the request's own turn isn't seen by it.
    """
    if if_match is None:
        return
    if {"*", etag(last_seq)} & tags_of(if_match):
        return
    raise Problem(
        412,
        "run-moved-on",
        "The run has moved on",
        f"Nothing was said: the run is at event {last_seq} now, not where If-Match has it. Look at it again, and if "
        "you still want to, send this with its new ETag and a new Idempotency-Key.",
        headers={"ETag": etag(last_seq)},
        more={"last_seq": last_seq},
    )
