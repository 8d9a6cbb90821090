"""The same application a version later: version 1 as it was, and one that says what it heard in other words."""

from tests.cli.run_application import Case, Statement, statement

from penstock import Application, Run, workflow


@workflow("statement", version=2, signals={"statement": Statement})
async def statement_in_capitals(run: Run, case: Case) -> str:
    """Wait for the statement, and shout it."""
    said = await run.signal("statement", schema=Statement)
    return f"{case.case_id}: {said.text.upper()}"


application = Application("statements", workflows=(statement, statement_in_capitals))
