"""What the commands about runs say to them, and how they tell what came of it.

Signed with the operator's key of this home directory: who may read that file vouches for the person it names.
"""

import uuid
from collections.abc import Callable, Sequence

import typer

from penstock.cli import run_reading, run_shown
from penstock.cli.outcomes import NOT_DONE, NOT_YET, leave
from penstock.cli.run_asking import attributes_of, value_of
from penstock.cli.run_reading import ENDED, Ask
from penstock.cli.screen import stderr
from penstock.cli.speaking import ACKNOWLEDGED_S, speaking_as
from penstock.producers.feedback import Feedback, give
from penstock.producers.receipt import Receipt
from penstock.producers.runs import RunClient
from penstock.runtime.effects import word
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings
from penstock.schemas.attributes import InvalidAttributes
from penstock.schemas.canonical import NotCanonical, PayloadTooLarge
from penstock.schemas.ids import dead_letter_id, derived_id

_NEXT = {
    "refused": "look at it with `penstock run show {run_id}`",
    "parked": "`penstock run events {run_id}` says why; `penstock release` has it decided again",
    "dead_letter": "the log took it and nobody could read it: `penstock status`",
    "pending": "nobody has decided it yet: `penstock run events {run_id}` will, or `penstock status` who is behind",
}


def start(
    settings: Settings,
    workflow: str,
    input: str,
    version: int | None,
    attributes: Sequence[str],
    key: str,
    who: str,
    tenant: str,
    wait_s: float,
    *,
    as_json: bool,
) -> None:
    """Start a run and say which; with a wait, what it came to."""
    value, searched = value_of("--input", input), attributes_of(attributes)
    try:
        with speaking_as(settings, tenant, who) as client:
            said = client.start(
                workflow, value, key or str(uuid.uuid4()), version, search_attributes=searched
            )
            said.wait(ACKNOWLEDGED_S)
    except (NotCanonical, PayloadTooLarge, InvalidAttributes) as error:
        raise SetupError(f"nothing was started; correct this: {error}") from error
    if wait_s > 0:
        if not as_json:
            typer.echo(f"run {said.run_id} accepted")
        with run_reading.views(settings) as ask:
            told_the_end(ask, said.run_id, wait_s, as_json=as_json)
    elif as_json:
        run_shown.as_json({"run_id": said.run_id, "status": "accepted"})
    else:
        typer.echo(
            f"run {said.run_id} accepted; `penstock run result {said.run_id} --wait 60` waits for its end"
        )


def told_the_end(ask: Ask, run_id: str, wait_s: float, *, as_json: bool) -> None:
    """Show what a run came to, waiting for it. typer.Exit with 1 if that isn't completed, 3 if it takes longer."""
    try:
        found = run_reading.awaited(ask, run_id, wait_s, _progress if wait_s else _silence)
    except KeyboardInterrupt:
        # Who has started it with --json hasn't heard its id yet.
        stderr.print(f"run {run_id} goes on: `penstock run result {run_id} --wait 60` waits for it again")
        raise
    if as_json:
        run_shown.as_json({name: found[name] for name in ("run_id", "status", "result", "error", "last_seq")})
    elif found["status"] == "completed":
        run_shown.as_json(found["result"])
    else:
        run_shown.run(found)
    if found["status"] not in ENDED:
        raise typer.Exit(NOT_YET)
    if found["status"] != "completed":
        raise typer.Exit(NOT_DONE)


def cancel(
    settings: Settings, run_id: str, reason: str, key: str, who: str, wait_s: float, *, as_json: bool
) -> None:
    """Ask a run to end early and say what came of it."""

    def speak(client: RunClient, input_id: str) -> Receipt:
        return client.cancel(run_id, reason, input_id=input_id)

    _say(settings, run_id, ("cancel", reason), key, who, wait_s, speak, as_json=as_json)


def migrate(
    settings: Settings,
    run_id: str,
    to_version: int,
    reason: str,
    who: str,
    wait_s: float,
    *,
    trial: bool,
    as_json: bool,
) -> None:
    """Have a run go on under another version, or only ask whether it could, and say what came of it."""

    def speak(client: RunClient, input_id: str) -> Receipt:
        return client.migrate(run_id, to_version, reason, trial=trial, input_id=input_id)

    _say(settings, run_id, ("migrate", str(to_version)), "", who, wait_s, speak, as_json=as_json)


def signal(
    settings: Settings,
    run_id: str,
    name: str,
    payload: str,
    key: str,
    who: str,
    wait_s: float,
    *,
    as_json: bool,
) -> None:
    """Tell a run something and say what came of it."""
    value = value_of("--payload", payload)
    key = key or str(uuid.uuid4())

    def speak(client: RunClient, input_id: str) -> Receipt:
        return client.signal(run_id, name, value, derived_id(run_id, f"cli:{who}:{key}"), input_id=input_id)

    _say(settings, run_id, ("signal", name, payload), key, who, wait_s, speak, as_json=as_json)


def feedback(
    settings: Settings, run_id: str, said: Feedback, key: str, who: str, wait_s: float, *, as_json: bool
) -> None:
    """Say what a person thinks of a run, and what came of that. Without a key the same words are one feedback."""

    def speak(client: RunClient, input_id: str) -> Receipt:
        return give(client, run_id, said, input_id)

    words = ("feedback", *map(str, said))
    _say(settings, run_id, words, key or "the same words", who, wait_s, speak, as_json=as_json)


def _say(
    settings: Settings,
    run_id: str,
    words: tuple[str, ...],
    key: str,
    who: str,
    wait_s: float,
    speak: Callable[[RunClient, str], Receipt],
    *,
    as_json: bool,
) -> None:
    with run_reading.views(settings) as ask:
        tenant = run_reading.one(ask, run_id)["tenant"]
        input_id = derived_id(run_id, "\x1f".join(("cli", who, key or str(uuid.uuid4()), *words)))
        try:
            with speaking_as(settings, tenant, who) as client:
                record = speak(client, input_id).wait(ACKNOWLEDGED_S)
        except (NotCanonical, PayloadTooLarge) as error:
            raise SetupError(f"nothing was said; correct this: {error}") from error
        letter = dead_letter_id(record.topic, record.partition, record.offset)
        effect = run_reading.came_of(ask, run_id, input_id, letter, wait_s)
    outcome = word(effect, {"InputAccepted": "accepted"})
    if as_json:
        run_shown.as_json({"run_id": run_id, "input_id": input_id, "outcome": outcome, "effect": effect})
    else:
        about = "" if effect is None else f": {effect['type']} {_detail(effect['event'])}".rstrip()
        typer.echo(f"{outcome}{about}")
        if outcome in _NEXT:
            typer.echo(_NEXT[outcome].format(run_id=run_id))
    leave(outcome)


def _detail(event: dict[str, object]) -> str:
    return str(event.get("detail") or event.get("reason") or event.get("note") or "")


def _progress(line: str) -> None:
    stderr.print(f"  {line}", style="dim", markup=False)


def _silence(line: str) -> None:
    """Nobody waits, so nobody is told how it goes."""
