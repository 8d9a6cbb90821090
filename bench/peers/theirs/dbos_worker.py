"""The case review on DBOS: one process that dequeues workflows and runs them. Its settings are PEERS_SETTINGS."""

# mypy: ignore-errors
# pyright: basic, reportMissingImports=false
# DBOS isn't among Penstock's packages, so there is nothing to check this against.
import json
import os
import signal
import threading

import steps
from dbos import DBOS

SETTINGS = json.loads(os.environ.get("PEERS_SETTINGS", "{}"))
QUEUE = "reviews"
TIMEOUT_S = 3_600


@DBOS.step()
async def read_case(case_id: str) -> dict[str, str]:
    return steps.read_case(case_id)


@DBOS.step()
async def look_up_policy(query: str) -> list[str]:
    return steps.look_up_policy(query)


@DBOS.step()
async def draft(facts: dict[str, str], policy: list[str]) -> dict[str, str]:
    return steps.draft(facts, policy)


@DBOS.step()
async def update_case(run_id: str, update: dict[str, str]) -> dict[str, str]:
    return steps.update_case(run_id, update)


@DBOS.step()
async def notify(run_id: str, case_id: str, letter: str) -> dict[str, str]:
    return steps.notify(run_id, case_id, letter)


@DBOS.workflow(name="review")
async def review(case: dict[str, str]) -> dict[str, str]:
    """Three steps, a person, two steps."""
    case_id, run_id = case["case_id"], DBOS.workflow_id
    facts = await read_case(case_id)
    policy = await look_up_policy(f"disputed transfer of case {case_id}")
    drafted = await draft(facts, policy)
    steps.tell("ask", run_id)
    granted = await DBOS.recv_async("approval", timeout_seconds=TIMEOUT_S)
    if granted is None or granted["vote"] != "grant":
        raise ValueError(f"{run_id} wasn't granted: {granted!r}")
    await update_case(run_id, steps.update_of(case_id, drafted))
    await notify(run_id, case_id, drafted["letter"])
    steps.tell("end", run_id)
    return steps.result_of(case_id, drafted)


@DBOS.step()
def read_case_sync(case_id: str) -> dict[str, str]:
    return steps.read_case(case_id)


@DBOS.step()
def look_up_policy_sync(query: str) -> list[str]:
    return steps.look_up_policy(query)


@DBOS.step()
def draft_sync(facts: dict[str, str], policy: list[str]) -> dict[str, str]:
    return steps.draft(facts, policy)


@DBOS.step()
def update_case_sync(run_id: str, update: dict[str, str]) -> dict[str, str]:
    return steps.update_case(run_id, update)


@DBOS.step()
def notify_sync(run_id: str, case_id: str, letter: str) -> dict[str, str]:
    return steps.notify(run_id, case_id, letter)


@DBOS.workflow(name="review-sync")
def review_sync(case: dict[str, str]) -> dict[str, str]:
    """The same without asyncio: a thread a running review."""
    case_id, run_id = case["case_id"], DBOS.workflow_id
    facts = read_case_sync(case_id)
    policy = look_up_policy_sync(f"disputed transfer of case {case_id}")
    drafted = draft_sync(facts, policy)
    steps.tell("ask", run_id)
    granted = DBOS.recv("approval", timeout_seconds=TIMEOUT_S)
    if granted is None or granted["vote"] != "grant":
        raise ValueError(f"{run_id} wasn't granted: {granted!r}")
    update_case_sync(run_id, steps.update_of(case_id, drafted))
    notify_sync(run_id, case_id, drafted["letter"])
    steps.tell("end", run_id)
    return steps.result_of(case_id, drafted)


def main() -> None:
    """Serve the queue until SIGTERM, and say from when on."""
    DBOS(
        config={
            "name": "peers",
            "system_database_url": os.environ["PEERS_DATABASE_URL"],
            "application_version": "1",
            "log_level": "WARNING",
            **SETTINGS.get("config", {}),
        }
    )
    DBOS.launch()
    DBOS.register_queue(QUEUE, **SETTINGS.get("queue", {}))
    print("serving", flush=True)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    stopping.wait()
    DBOS.destroy()


if __name__ == "__main__":
    main()
