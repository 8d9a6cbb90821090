"""The application of `load`: a tool that takes its time, and a run that fans out over many items.

Workers load it as `bench.load_application:application`.
"""

import time
from datetime import timedelta

from penstock.declare.application import Application
from penstock.declare.call import Call
from penstock.declare.run import Run
from penstock.declare.tools import tool
from penstock.declare.workflows import workflow

ITEMS_MAX = 10_000


@tool(effect="read", owner="bench")
def hold(call: Call, *, ms: int) -> int:
    """Keeps a slot for so long."""
    time.sleep(ms / 1000)
    return ms


@tool(effect="read", owner="bench")
def touch(call: Call, *, item: int) -> int:
    """One item, at once."""
    return item


@workflow("bench-hold", version=1, deadline=timedelta(hours=1))
async def one_call(run: Run, asked: dict[str, int]) -> int:
    """A run with one call."""
    return await run.tool(hold, ms=asked["ms"])


@workflow("bench-fan", version=1, deadline=timedelta(hours=1), max_steps=ITEMS_MAX + 1)
async def fan_out(run: Run, asked: dict[str, int]) -> int:
    """Every item once, no more than `at_a_time` at a time."""
    done = 0
    for first in range(0, asked["items"], asked["at_a_time"]):
        chunk = range(first, min(first + asked["at_a_time"], asked["items"]))
        done += len(await run.gather(*(run.tool(touch, item=item) for item in chunk)))
    return done


application = Application("bench-load", workflows=(one_call, fan_out), tools=(hold, touch))
