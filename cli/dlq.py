"""`penstock dlq …`: dead letters listed, looked at, put back, mended, given up."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from penstock.cli.completing import letters, words
from penstock.cli.outcomes import NOT_DONE
from penstock.cli.questions import AsJson, Reason
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres_dead_letters import Filter, State
from penstock.runtime.settings import Settings

if TYPE_CHECKING:
    from penstock.runtime.bulk import Verb
    from penstock.runtime.redriving import Redriver

dlq_app = typer.Typer(help="Dead letters: records that could not be taken.", no_args_is_help=True)

As = Annotated[str, typer.Option("--as", help="The operator of api-keys.json who does it.")]
Tenant = Annotated[
    str, typer.Option(help="Whose; without it those of the tenant that operates the deployment.")
]
Topic = Annotated[str, typer.Option(help="Only those of this topic.")]
Group = Annotated[str, typer.Option(help="Only those that this consumer group couldn't take.")]
ErrorClass = Annotated[str, typer.Option("--error", help="Only these: Undecodable, Misplaced ...")]
Since = Annotated[datetime | None, typer.Option("--from", help="Only those since then (UTC, log time).")]
Until = Annotated[datetime | None, typer.Option(help="Only those before then (UTC, log time).")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without it a filter only shows what would be done.")]
Ident = Annotated[
    str, typer.Argument(help="Its id; without one, all that the filters match.", autocompletion=letters)
]


@dlq_app.command("list")
def list_letters(
    topic: Topic = "",
    group: Group = "",
    error: ErrorClass = "",
    state: Annotated[
        str,
        typer.Option(
            help="open, redriving, redriven or discarded; empty for all.",
            autocompletion=words("open", "redriving", "redriven", "discarded"),
        ),
    ] = "",
    since: Since = None,
    until: Until = None,
    tenant: Tenant = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Dead letters, newest first.

    Example: penstock dlq list --topic penstock.run.inbox.dlq --state open
    """
    from penstock.cli import dead_letters
    from penstock.cli.screen import console

    settings = Settings.load()
    which = _filter(topic, group, error, state, since, until)
    found = dead_letters.listed(settings, tenant or settings.deployment_tenant, which, limit)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for one in found:
        where = f"{one['topic']}[{one['partition']}]@{one['offset']}"
        console.print(
            f"{one['id']}  {one['time']}  {one['state']:<9}  {one['error']['class']}  {where}", markup=False
        )
        console.print(f"    {one['group']}: {one['error']['message'][:200]}", style="dim", markup=False)
    if not found:
        console.print("no dead letters match")


@dlq_app.command("show")
def show(
    ident: Annotated[str, typer.Argument(autocompletion=letters)],
    tenant: Tenant = "",
    as_json: AsJson = False,
) -> None:
    """One of them: why, its bytes, decoded where they decode, and what was done with it.

    Example: penstock dlq show 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --json
    """
    from penstock.cli import dead_letters
    from penstock.cli.screen import console

    settings = Settings.load()
    found = dead_letters.shown(settings, tenant or settings.deployment_tenant, ident)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    value = found.pop("value") or {"hex": ["no value"]}
    hexed = value.pop("hex")
    print(json.dumps({**found, "value": value}, indent=2, ensure_ascii=False))
    console.print("\n".join(hexed), markup=False)


@dlq_app.command("redrive")
def redrive(
    reason: Reason,
    ident: Ident = "",
    mend: Annotated[
        Path | None,
        typer.Option(help='A JSON file {"type", "entity_id", "fields"}, said in your name instead.'),
    ] = None,
    value: Annotated[Path | None, typer.Option(help="A file with a record's bytes, instead.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also if it was redriven or discarded before.")
    ] = False,
    topic: Topic = "",
    group: Group = "",
    error: ErrorClass = "",
    state: Annotated[str, typer.Option(help="open or redriving.")] = "open",
    since: Since = None,
    until: Until = None,
    limit: Limit = 1000,
    yes: Yes = False,
    who: As = "olga",
    tenant: Tenant = "",
    as_json: AsJson = False,
) -> None:
    """Put it back into the inbox that it came from; by filter: all that match, after a look without --yes.

    Example: penstock dlq redrive --error Misplaced --reason "the producer is mended" --yes
    """
    from penstock.cli import dead_letters

    settings = Settings.load()
    fields = None if mend is None else _json_of(mend)
    given = dead_letters.mend_of(settings, fields, None if value is None else value.read_bytes())
    with dead_letters.acting(settings, tenant or settings.deployment_tenant, who) as redriver:
        if ident:
            done = dead_letters.redrive(redriver, ident, reason, given, again)
            _tell({"id": done.id, "outcome": done.state, "topic": done.topic, "partition": done.partition,
                   "offset": done.offset}, as_json)  # fmt: skip
            return
        if given is not None or again:
            raise SetupError("--mend, --value and --again are for one dead letter: name its id")
        which = _filter(topic, group, error, state, since, until)
        _bulk(redriver, "redrive", which, reason, limit, yes=yes, as_json=as_json)


@dlq_app.command("discard")
def discard(
    reason: Reason,
    ident: Ident = "",
    topic: Topic = "",
    group: Group = "",
    error: ErrorClass = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = 1000,
    yes: Yes = False,
    who: As = "olga",
    tenant: Tenant = "",
    as_json: AsJson = False,
) -> None:
    """Give it up; its bytes stay on the log. By filter: all that match, after a look without --yes.

    Example: penstock dlq discard 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --reason "a test of the sender"
    """
    from penstock.cli import dead_letters

    settings = Settings.load()
    with dead_letters.acting(settings, tenant or settings.deployment_tenant, who) as redriver:
        if ident:
            done = redriver.discard(ident, reason)
            _tell({"id": done.id, "outcome": done.state}, as_json)
            return
        which = _filter(topic, group, error, "open", since, until)
        _bulk(redriver, "discard", which, reason, limit, yes=yes, as_json=as_json)


def _bulk(
    redriver: "Redriver", verb: "Verb", which: Filter, reason: str, limit: int, *, yes: bool, as_json: bool
) -> None:
    from penstock.cli import dead_letters

    if not yes:
        found = dead_letters.would(redriver, verb, which, limit)
        print(json.dumps(found, indent=2))
        if not as_json:
            print(f"nothing was done: with --yes {found['count']} would be asked to {verb}")
        return
    outcomes: Counter[str] = Counter()
    try:
        for did in dead_letters.each(redriver, verb, which, reason, limit):
            outcomes[did["outcome"]] += 1
            _tell(did, as_json)
    except KeyboardInterrupt:
        done = outcomes.total()
        raise SetupError(f"stopped after {done}: the same command goes on with the others") from None
    if not as_json:
        print(
            ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
            or "nothing matches"
        )
    if outcomes["refused"]:
        raise typer.Exit(NOT_DONE)


def _tell(did: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(did), flush=True)
        return
    count = f"{did['number']}/{did['of']}  " if "number" in did else ""
    place = f"  {did['topic']}[{did['partition']}]@{did['offset']}" if did.get("topic") else ""
    print(f"{count}{did['id']}  {did['outcome']}{place}  {did.get('detail', '')}".rstrip(), flush=True)


def _filter(
    topic: str, group: str, error: str, state: str, since: datetime | None, until: datetime | None
) -> Filter:
    if state not in ("", "open", "redriving", "redriven", "discarded"):
        raise SetupError(f"there is no state {state!r}: it is open, redriving, redriven or discarded")
    times = [
        None if time is None else int(time.replace(tzinfo=UTC).timestamp() * 1000) for time in (since, until)
    ]
    return Filter(topic or None, group or None, error or None, cast("State", state) or None, *times)


def _json_of(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SetupError(f"{path} isn't a JSON file ({error}): correct it") from error
    if not isinstance(found, dict):
        raise SetupError(f'{path} must hold an object: {{"type", "entity_id", "fields"}}')
    return found
