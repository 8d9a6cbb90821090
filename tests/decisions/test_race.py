"""`run.race`: who is done first wins, by the order of the history; the others' calls stay open, their code doesn't."""

from collections.abc import Awaitable, Iterator
from datetime import timedelta

from penstock import Run, ToolFailed, workflow
from penstock.schemas.run.records import (
    LateAnswer,
    RunCompleted,
    RunStalled,
    TimerArmed,
    ToolCallCompleted,
    ToolCallRefused,
    ToolCallRequested,
)

from .acts import completes, fails, fires, starts
from .cases import Case, application, look_up, notify
from .given import Story, given, result, start
from .mended import Body

CASE = {"case_id": "c1"}


def racing(body: Body) -> Story:
    return given(application(workflow("it", version=1, deadline=None)(body))).when(start("it", CASE))


async def two_reads(run: Run, case: Case) -> str:
    """Which of two, then a step more, so that there is time for the other."""
    place, found = await run.race(run.tool(look_up, case_id="a"), run.tool(look_up, case_id="b"))
    return f"{place} {found} {await run.tool(look_up, case_id='c')}"


def test_who_answers_first_wins_and_the_others_answer_is_recorded() -> None:
    for first, other in ((1, 2), (2, 1)):
        story = racing(two_reads).when(completes(first, "x")).then(ToolCallCompleted, ToolCallRequested)
        story = story.when(completes(other, "y")).then(ToolCallCompleted)
        assert result(story.when(completes(3, "z"))) == f'"{first - 1} x z"'


def test_a_losers_answer_after_the_end_is_late() -> None:
    story = racing(two_reads).when(completes(2, "x")).when(completes(3, "z"))
    assert isinstance(story.events[-1], RunCompleted)
    story.when(completes(1, "y")).then(LateAnswer)


async def with_a_time_limit(run: Run, case: Case) -> str:
    async def reads_twice() -> str:
        return await run.tool(look_up, case_id=await run.tool(look_up, case_id="a"))

    place, found = await run.race(reads_twice(), run.sleep(timedelta(minutes=5)))
    return str(found) if place == 0 else f"late {await run.tool(look_up, case_id='c')}"


def test_a_loser_takes_no_more_steps() -> None:
    story = racing(with_a_time_limit).then(*racing(with_a_time_limit).events)
    story = story.when(fires(2), later=timedelta(minutes=5))
    story = story.when(completes(1, "x")).then(ToolCallCompleted)
    assert result(story.when(completes(3, "z"))) == '"late z"'


def test_a_race_that_is_won_leaves_the_timer_to_fire_for_nobody() -> None:
    story = racing(with_a_time_limit)
    assert isinstance(story.events[-1], TimerArmed)
    story = story.when(completes(1, "x")).when(completes(3, "y"))
    assert result(story) == '"y"'


def test_the_first_error_wins_too() -> None:
    async def fails_first(run: Run, case: Case) -> str:
        try:
            await run.race(run.tool(look_up, case_id="a"), run.tool(look_up, case_id="b"))
        except ToolFailed as failed:
            return failed.kind
        return "none"

    story = racing(fails_first).when(fails(2, retryable=False))
    assert result(story) == '"timeout"'


def test_a_losing_unsafe_call_that_was_started_holds_the_end_back_and_one_that_wasnt_is_refused() -> None:
    async def sends_or_reads(run: Run, case: Case) -> str:
        place, _ = await run.race(run.tool(notify, to="customer"), run.tool(look_up, case_id="a"))
        return str(place)

    unstarted = racing(sends_or_reads).when(completes(2, "x"))
    unstarted.then(ToolCallCompleted, ToolCallRefused, RunCompleted)
    started = racing(sends_or_reads).when(starts(1)).when(completes(2, "x")).then(ToolCallCompleted)
    assert result(started.when(completes(1, "sent"))) == '"1"'


def test_who_is_done_without_waiting_wins_before_the_next_begins() -> None:
    begun: list[str] = []

    async def at_once(run: Run, case: Case) -> str:
        async def quick(name: str) -> str:
            begun.append(name)
            return name

        place, name = await run.race(quick("first"), quick("second"), run.tool(look_up, case_id="a"))
        return f"{place} {name}"

    story = racing(at_once)
    assert result(story) == '"0 first"'
    assert set(begun) == {"first"}
    assert not story.state.steps


def test_a_losers_finally_takes_no_step_and_what_it_gathered_is_given_up_with_it() -> None:
    tidied: list[str] = []

    async def untidy(run: Run, case: Case) -> str:
        async def inner() -> str:
            try:
                return await run.tool(look_up, case_id="a")
            finally:
                tidied.append("inner")
                await run.gather(run.tool(look_up, case_id="no"))

        async def outer() -> str:
            try:
                return (await run.gather(inner(), inner()))[0]
            finally:
                tidied.append("outer")
                await run.tool(look_up, case_id="never")

        place, _ = await run.race(outer(), run.tool(look_up, case_id="b"))
        return f"{place} {await run.tool(look_up, case_id='c')}"

    story = racing(untidy)
    tidied.clear()
    story = story.when(completes(1, "x"))
    assert tidied[:3] == ["inner", "inner", "outer"]
    assert len(story.state.steps) == 4
    story = story.when(completes(2, "y")).then(ToolCallCompleted)
    assert result(story.when(completes(4, "z"))) == '"1 z"'


class Strange:
    def __await__(self) -> Iterator[object]:
        yield self


def test_a_loser_that_wont_be_given_up_isnt_woken_again_by_what_it_waited_for() -> None:
    async def stubborn(run: Run, case: Case) -> str:
        async def clings() -> str:
            try:
                return await run.tool(look_up, case_id="a")
            finally:
                strange: Awaitable[None] = Strange()  # type: ignore[assignment]
                await strange
                await run.tool(look_up, case_id="never")

        await run.race(clings(), run.tool(look_up, case_id="b"))
        return await run.tool(look_up, case_id="c")

    story = racing(stubborn).when(completes(2, "x"))
    story = story.when(completes(1, "y")).then(ToolCallCompleted)
    assert result(story.when(completes(3, "z"))) == '"z"'


def test_races_inside_races_end_with_them() -> None:
    async def nested(run: Run, case: Case) -> str:
        async def either() -> str:
            _, found = await run.race(run.tool(look_up, case_id="a"), run.tool(look_up, case_id="b"))
            return await run.tool(look_up, case_id=found)

        place, found = await run.race(either(), run.tool(look_up, case_id="c"))
        return f"{place} {found}"

    story = racing(nested)  # What the outer race waits for begins before what the inner one does: c, a, b.
    assert result(story.when(completes(2, "x")).when(completes(4, "y"))) == '"0 y"'
    assert result(story.when(completes(1, "x"))) == '"1 x"'


def test_a_race_of_nobody_stalls() -> None:
    async def nobody(run: Run, case: Case) -> str:
        nothing: list[Awaitable[str]] = []
        return (await run.race(*nothing))[1]

    assert isinstance(racing(nobody).events[-1], RunStalled)
