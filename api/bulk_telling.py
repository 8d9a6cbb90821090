"""What a bulk operation tells one run, by its kind. Told again it is the same input."""

from penstock.api.bulk_rows import Bulk
from penstock.api.door import Door
from penstock.api.retries import again
from penstock.producers.receipt import Receipt
from penstock.producers.retries import Retry
from penstock.producers.runs import RunClient
from penstock.schemas.ids import derived_id


def input_id_of(bulk_id: str, run_id: str) -> str:
    """The id of what an operation tells a run."""
    return derived_id(run_id, f"bulk:{bulk_id}")


def told_run(bulk: Bulk, run_id: str) -> str | None:
    """The run that is spoken to, None if it is the one that it is about."""
    return Retry(run_id, ()).run_id(_retry_key(bulk)) if bulk.kind == "retry" else None


async def tell(door: Door, bulk: Bulk, run_id: str, input_id: str) -> None:
    """Say it; when this returns, the log has it. Raises problems: 503 if the log is away, any other for what can't be
    said."""
    if bulk.kind == "retry":
        await again(door, bulk.caller, run_id, bulk.words["version"], _retry_key(bulk))
        return
    await door.inbox.say(bulk.caller, lambda client: _speak(client, bulk, run_id, input_id))


def _retry_key(bulk: Bulk) -> str:
    return f"bulk:{bulk.bulk_id}"


def _speak(client: RunClient, bulk: Bulk, run_id: str, input_id: str) -> Receipt:
    words, reason = bulk.words, bulk.words["reason"]
    match bulk.kind:
        case "cancel":
            return client.cancel(run_id, reason, input_id=input_id)
        case "signal":
            return client.signal(run_id, words["name"], words["payload"], input_id, input_id=input_id)
        case "pause":
            return client.pause(run_id, reason, input_id=input_id)
        case "continue":
            return client.go_on(run_id, reason, input_id=input_id)
        case "migrate":
            return client.migrate(
                run_id, words["to_version"], reason, trial=words["trial"], input_id=input_id
            )
        case _:
            raise ValueError(f"this version can't tell runs to {bulk.kind}")
