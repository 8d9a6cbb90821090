"""Reviews that call a tool which is slow for as long as a file is there, and reviews that call a quick one.

PENSTOCK_TEST_SLOW names the file.
"""

import os
import time
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from penstock import Application, Call, Run, tool, workflow


class Review(BaseModel):
    case_id: str
    slow: bool = False


@tool(effect="read", timeout=timedelta(minutes=5), concurrency=2)
def slow(call: Call, *, case_id: str) -> str:
    """As long as it takes."""
    while Path(os.environ["PENSTOCK_TEST_SLOW"]).exists():
        time.sleep(0.05)
    return case_id


@tool(effect="read")
def quick(call: Call, *, case_id: str) -> str:
    """At once."""
    return case_id


@workflow("case-review", version=1)
async def case_review(run: Run, review: Review) -> str:
    return await run.tool(slow if review.slow else quick, case_id=review.case_id)


application = Application("back-pressure", tools=(slow, quick), workflows=(case_review,))
