"""The same application a version later: version 1 as it was, and one that says what it heard in other words."""

from datetime import timedelta

from tests.cli.run_application import Case, Statement, statement

from penstock import Application, Run, workflow


@workflow("statement", version=2, signals={"statement": Statement})
async def statement_in_capitals(run: Run, case: Case) -> str:
    """Wait for the statement, and shout it."""
    said = await run.signal("statement", schema=Statement)
    return f"{case.case_id}: {said.text.upper()}"


@workflow("reminder", version=1)
async def reminder(run: Run, case: Case) -> str:
    """Wait for an hour."""
    await run.sleep(timedelta(hours=1))
    return case.case_id


@workflow("reminder", version=2)
async def reminder_in_capitals(run: Run, case: Case) -> str:
    """Wait for as long."""
    await run.sleep(timedelta(hours=1))
    return case.case_id.upper()


@workflow("reminder", version=3)
async def reminder_soon(run: Run, case: Case) -> str:
    """Wait for another time."""
    await run.sleep(timedelta(minutes=1))
    return case.case_id


application = Application(
    "statements", workflows=(statement, statement_in_capitals, reminder, reminder_in_capitals, reminder_soon)
)
