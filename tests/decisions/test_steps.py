"""Steps that wait together, sleep, and use time, ids and chance: the same in every replay."""

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from penstock import Application, Call, Run, ToolFailed, tool, workflow
from penstock.schemas.run.records import (
    RunCompleted,
    RunStalled,
    RunStarted,
    TimerArmed,
    TimerFired,
    TimerRearmed,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallRequested,
)

from .acts import completes, fails, fires
from .cases import Case, application, look_up
from .given import BEGIN_MS, given, result, start, timer_id

CASE = {"case_id": "c1"}


def test_gathered_calls_are_asked_for_together_and_return_in_their_own_order() -> None:
    @workflow("it", version=1, deadline=None)
    async def gathers(run: Run, case: Case) -> str:
        a, b, c = await run.gather(
            run.tool(look_up, case_id="a"), run.tool(look_up, case_id="b"), run.tool(look_up, case_id="c")
        )
        return a + b + c

    story = given(application(gathers)).when(start("it", CASE))
    story.then(RunStarted, ToolCallRequested, ToolCallRequested, ToolCallRequested)
    story = story.when(completes(3, "C")).when(completes(1, "A")).when(completes(2, "B"))
    assert result(story) == '"ABC"'


def test_the_first_error_of_a_gather_is_raised_and_the_others_keep_running() -> None:
    @workflow("it", version=1, deadline=None)
    async def gathers(run: Run, case: Case) -> str:
        async def then_another(first: str) -> str:
            return await run.tool(look_up, case_id=await run.tool(look_up, case_id=first))

        try:
            await run.gather(run.tool(look_up, case_id="a"), then_another("b"))
        except ToolFailed:
            return await run.tool(look_up, case_id="instead")
        return "never"

    story = given(application(gathers)).when(start("it", CASE))
    story = story.when(fails(1, retryable=False)).then(ToolCallFailed, ToolCallRequested)
    story = story.when(completes(2, "B")).then(ToolCallCompleted, ToolCallRequested)
    assert result(story.when(completes(3, "end"))) == '"end"'


def test_helpers_of_ones_own_and_nested_gathers_work() -> None:
    @workflow("it", version=1, deadline=None)
    async def nests(run: Run, case: Case) -> str:
        async def twice(first: str) -> str:
            return await run.tool(look_up, case_id=await run.tool(look_up, case_id=first))

        async def pair() -> str:
            return "+".join(await run.gather(twice("a"), twice("b")))

        left, right = await run.gather(pair(), run.tool(look_up, case_id="c"))
        return f"{left}|{right}"

    story = given(application(nests)).when(start("it", CASE))
    asked = ["c", "a", "b"]
    contents = [e.arguments.content or b"" for e in story.events if isinstance(e, ToolCallRequested)]
    assert sorted(contents) == sorted(f'{{"case_id":"{each}"}}'.encode() for each in asked)
    while not story.state.terminal:
        call = story.state.open_calls[0]
        story = story.when(completes(call.step, f"r{call.step}"))
    assert len(story.state.calls) == 5


def test_an_empty_gather_returns_at_once() -> None:
    @workflow("it", version=1, deadline=None)
    async def nothing(run: Run, case: Case) -> int:
        found: tuple[str, ...] = await run.gather()
        return len(found)

    assert result(given(application(nothing)).when(start("it", CASE))) == "0"


def test_a_sleep_ends_at_its_log_time_and_not_before() -> None:
    @workflow("it", version=1, deadline=None)
    async def sleeps(run: Run, case: Case) -> str:
        await run.sleep(timedelta(hours=1))
        return run.now().isoformat()

    story = given(application(sleeps)).when(start("it", CASE)).then(RunStarted, TimerArmed)
    armed = story.events[1]
    assert isinstance(armed, TimerArmed)
    assert (armed.purpose, armed.timer_id, armed.due_ms) == ("sleep", timer_id(1), BEGIN_MS + 1 + 3_600_000)
    story = story.when(fires(1), later=timedelta(minutes=59)).then(TimerRearmed)
    story = story.when(fires(1), later=timedelta(minutes=1)).then(TimerFired, RunCompleted)
    due = datetime.fromtimestamp(armed.due_ms / 1000, UTC)
    assert result(story) == f'"{due.isoformat()}"'


def test_log_time_never_goes_back() -> None:
    @workflow("it", version=1, deadline=None)
    async def stamps(run: Run, case: Case) -> bool:
        before = run.now()
        await run.tool(look_up, case_id="a")
        return before <= run.now()

    story = given(application(stamps)).when(start("it", CASE))
    assert result(story.when(completes(1, "x"), later=timedelta(hours=-1))) == "true"


def test_ids_and_chance_are_the_same_in_every_replay_and_differ_among_themselves() -> None:
    @workflow("it", version=1, deadline=None)
    async def draws(run: Run, case: Case) -> str:
        mark = f"{run.uuid()} {run.uuid()} {run.random()} {run.random()}"
        await run.tool(look_up, case_id=mark)
        again = await run.tool(look_up, case_id=str(run.uuid()))
        return again

    story = given(application(draws)).when(start("it", CASE))
    requested = story.events[-1]
    assert isinstance(requested, ToolCallRequested)
    drawn = (requested.arguments.content or b"").decode().split('"')[3].split()
    assert len(set(drawn)) == 4
    assert all(0 <= float(each) < 1 for each in drawn[2:])
    story = story.when(completes(1, "x")).then(ToolCallCompleted, ToolCallRequested)
    assert result(story.when(completes(2, "same"))) == '"same"'


class Draft(BaseModel):
    text: str
    score: int


class Passage(BaseModel):
    text: str


@tool(name="retrieve:policy", effect="read")
def retrieve_policy(call: Call, *, query: str, k: int) -> list[Passage]:
    raise NotImplementedError


@tool(name="model:recommendation", effect="read")
def recommend(call: Call, *, inputs: dict[str, object], schema: dict[str, object]) -> dict[str, object]:
    raise NotImplementedError


def test_retrieve_and_model_are_read_tools_by_name() -> None:
    @workflow("it", version=1, deadline=None)
    async def drafts(run: Run, case: Case) -> Draft:
        policy = await run.retrieve("policy", query="refund", k=2)
        return await run.model("recommendation", inputs={"case": case, "policy": policy}, schema=Draft)

    known = Application("it", workflows=(drafts,), tools=(retrieve_policy, recommend))
    story = given(known).when(start("it", CASE)).when(completes(1, [{"text": "pay"}]))
    asked = story.events[-1]
    assert isinstance(asked, ToolCallRequested)
    assert (asked.tool, asked.effect) == ("model:recommendation", "read")
    assert b'"policy":[{"text":"pay"}]' in (asked.arguments.content or b"")
    assert result(story.when(completes(2, {"text": "ok", "score": 3}))) == '{"score":3,"text":"ok"}'


def test_a_tool_name_that_is_not_registered_stalls_with_that_name() -> None:
    @workflow("it", version=1, deadline=None)
    async def drafts(run: Run, case: Case) -> str:
        await run.retrieve("nothing", query="x")
        return ""

    story = given(application(drafts)).when(start("it", CASE))
    stalled = story.events[-1]
    assert isinstance(stalled, RunStalled)
    assert "retrieve:nothing" in stalled.detail


def test_a_workflow_that_cleans_up_when_it_is_given_up_asks_for_nothing() -> None:
    """Every replay gives its coroutines up at the end; what their `finally` asks for must not count."""

    @workflow("it", version=1, deadline=None)
    async def tidy(run: Run, case: Case) -> str:
        try:
            return await run.tool(look_up, case_id="a")
        finally:
            await run.tool(look_up, case_id="tidied up")

    story = given(application(tidy)).when(start("it", CASE)).then(RunStarted, ToolCallRequested)
    story = story.when(completes(1, "A")).then(ToolCallCompleted, ToolCallRequested)
    assert result(story.when(completes(2, "t"))) == '"A"'
