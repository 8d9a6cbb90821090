"""What may be asked of many runs: the bodies of the requests, and which runs each kind is for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from penstock.api.problems import Problem
from penstock.api.run_filters import INT4_MAX, RunFilter, Status, filter_of
from penstock.schemas.canonical import NotCanonical, canonical_json

Kind: TypeAlias = Literal["cancel", "signal", "pause", "continue", "retry", "migrate"]

BULK: Final = ("operator",)
# Whom each kind is for, where nothing else is said.
STATUS_OF: Final[Mapping[Kind, str]] = {
    "cancel": "open",
    "signal": "open",
    "pause": "open",
    "continue": "paused",
    "retry": "failed",
    "migrate": "open",
}
_ENDED: Final = frozenset({"completed", "failed", "cancelled", "refused"})
_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
_Version = Annotated[int, Field(ge=1, le=INT4_MAX, strict=True)]


class Chosen(BaseModel):
    """Which runs, as GET /v1/runs filters them; only open ones, of a retry only failed ones. `all` says that no filter
    is meant to be none."""

    model_config = ConfigDict(extra="forbid")

    workflow: _Text | None = None
    version: int | None = Field(default=None, ge=1, le=INT4_MAX)
    status: Status | None = None
    requester: _Text | None = None
    started_after: datetime | None = None
    started_before: datetime | None = None
    attributes: list[str] = Field(default_factory=list, max_length=8, description="name:value, all of them.")
    all: bool = False


class BulkBody(BaseModel):
    """Which runs, and why. A dry run, which says what would be, unless `dry_run` is false."""

    model_config = ConfigDict(extra="forbid")

    filter: Chosen
    reason: str = Field(min_length=1, max_length=2000)
    dry_run: bool = True

    def words(self) -> dict[str, Any]:
        """What each run is told."""
        return self.model_dump(exclude={"filter", "dry_run"})


class BulkSignal(BulkBody):
    """What is signalled, and why."""

    name: _Text
    payload: Any = None


class BulkRetry(BulkBody):
    """Which failed runs are done again; `version` is each one's own unless it is given."""

    version: _Version | None = None


class BulkMigrate(BulkBody):
    """Which runs go on under another version. With `trial` each is asked whether it could, and none does."""

    to_version: _Version
    trial: bool = False


def meant(kind: Kind, chosen: Chosen) -> RunFilter:
    """The filter. Raises a 422 problem for runs that can't be told this, and for one that leaves nobody out."""
    usual = STATUS_OF[kind]
    if chosen.status not in (None, usual) and (chosen.status in _ENDED or usual == "failed"):
        raise _correct(
            f"`filter.status`: a run that is {chosen.status} hasn't failed, and isn't retried."
            if usual == "failed"
            else f"`filter.status`: a run that is {chosen.status} has ended, and is told nothing any more."
        )
    found = filter_of(
        workflow=chosen.workflow,
        version=chosen.version,
        status=chosen.status or usual,  # type: ignore[arg-type]  # one of them
        requester=chosen.requester,
        started_after=chosen.started_after,
        started_before=chosen.started_before,
        attribute=chosen.attributes,
    )
    if found in (RunFilter(status="open"), RunFilter(status=usual)) and not chosen.all:
        raise _correct(
            f"`filter`: it leaves nobody out. If all {usual} runs are meant, say so with `all`: true."
        )
    return found


def spoken(words: dict[str, Any]) -> dict[str, Any]:
    """What each run is told, if it can be said. Raises a 422 problem."""
    try:
        canonical_json(words)
    except NotCanonical as error:
        raise _correct(f"this: {error}.") from error
    return words


def _correct(what: str) -> Problem:
    return Problem(422, "invalid-request", "Invalid request", f"Correct {what}")
