"""An application whose runs wait for a signal."""

from pydantic import BaseModel

from penstock import Application, Run, workflow


class Case(BaseModel):
    """What is asked."""

    case_id: str


class Statement(BaseModel):
    """What the signal says."""

    text: str


@workflow("statement", version=1, signals={"statement": Statement})
async def statement(run: Run, case: Case) -> str:
    said = await run.signal("statement", schema=Statement)
    return f"{case.case_id}: {said.text}"


application = Application("statements", workflows=(statement,))
