"""What is said of a route so that its five tests can be made of it, and what stands in the views for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from penstock.schemas.canonical import json_payload
from penstock.schemas.run.records import ToolCallInDoubt
from tests.api.conftest import Api
from tests.api.dead import dead_letters
from tests.views.histories import asked, call_of, failed, lease_started, requested, started

NO_RUN: Final = "00000000-6a2e-5d6c-9a53-3c62a9b7c001"
FAILED: Final = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c002"
RUN: Final = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
VOTE: Final = {"decision": "grant", "args_sha256": "a" * 64}
SETTLEMENT: Final = {"happened": True, "evidence": "the journal has it"}

# Half of a surrogate pair, which JSON can say and UTF-8 can't.
LONE: Final = "\ud83d"


def tell_of_a_run(api: Api) -> Mapping[str, str]:
    """The views know a run of tenant `local`'s, with an open question and a call in doubt, and one that failed."""
    doubt = ToolCallInDoubt(call_id=call_of(RUN, 2), attempt=1, lease_id="l", reason="the worker died")
    call = requested(RUN, 2, tool="update_case_status", effect="unsafe")
    question = replace(asked(RUN, 1), escalate_to="chief", escalate_at_ms=asked(RUN, 1).expires_at_ms - 1)
    api.tell(RUN, started(), question, call, lease_started(RUN, 2), doubt)
    api.tell(FAILED, started(input=json_payload({"case_id": "case-7", "note": ""})), failed())
    return {}


def tell_of_a_bulk(api: Api) -> Mapping[str, str]:
    """An operation on many runs, of which there are none."""
    tell_of_a_run(api)
    body = {"filter": {"workflow": "none"}, "reason": "tidying up", "dry_run": False}
    answer = api.client.post("/v1/runs/cancel", json=body, headers=api.as_("olga")).json()
    return {"bulk": answer["bulk_id"]}


def tell_of_dead_letters(api: Api) -> Mapping[str, str]:
    """A record that couldn't be decoded, of nobody's, so the deployment's."""
    return {"dead": dead_letters(api).ids["malformed"]}


# What a caller of another tenant gets: what is named isn't there; a list of nothing; or the route is about what is
# the caller's own, and says nothing of anybody else's; or the caller may not do that at home either.
Elsewhere = Literal["not-found", "nothing", "own", "forbidden"]


@dataclass(frozen=True, slots=True)
class Bad:
    """A request that can't be meant, and the status that it gets. What isn't said is as in the good one."""

    path: str | None = None
    body: object = None
    status: int = 422
    slug: str = "invalid-request"


@dataclass(frozen=True, slots=True)
class RouteCase:
    """One route. `route` is as OpenAPI has it; `path` and `body` make a request that `who` may make.

    `may_not` are callers of the same tenant whom it refuses; `public` says that anybody with a key may.
    """

    route: str
    path: str
    who: str
    elsewhere: Elsewhere
    bad: tuple[Bad, ...]
    may_not: tuple[str, ...] = ("nobody",)
    body: object = None
    public: bool = False
    stranger: str = "mallory"
    # Makes what the path names, and answers what stands in its place there.
    given: Callable[[Api], Mapping[str, str]] = tell_of_a_run
    # Of an answer, what is the same again when the request is repeated; all of it by default. `again` is the status
    # then, 0 the same, and `inputs` how many the run's inbox has got by both.
    same: Callable[[Any], object] = lambda answer: answer
    again: int = 0
    inputs: int = 1

    @property
    def method(self) -> str:
        """GET, POST and so on."""
        return self.route.partition(" ")[0]

    def __str__(self) -> str:
        return self.route
