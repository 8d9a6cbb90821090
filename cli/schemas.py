"""`penstock schemas`: what can be said on each topic, one schema in full, and whether others fit. Needs no server,
but `diff`, which asks the registry at SCHEMA_REGISTRY_URL."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.questions import AsJson
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings

schemas_app = typer.Typer(help="What can be said on the log, and under which ids.", no_args_is_help=True)


@schemas_app.command("list")
def list_schemas(
    topic: Annotated[str, typer.Option(help="Only what may stand on this topic.")] = "",
    as_json: AsJson = False,
) -> None:
    """Every subject: topic, record, version, id, and what it says.

    Example: penstock schemas list --topic penstock.run.events
    """
    from rich.table import Table

    from penstock.cli.schemas_shown import subjects
    from penstock.cli.screen import console

    found = subjects(topic)
    if as_json:
        print(json.dumps({"schemas": [asdict(one) for one in found]}, indent=2))
        return
    table = Table("topic", "record", "version", "id", "says", box=None, pad_edge=False)
    for one in found:
        table.add_row(one.topic, one.record, str(one.version), str(one.id), one.doc)
    console.print(table)


@schemas_app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A record, a subject, or an id.")],
    example: Annotated[bool, typer.Option("--example", help="A record that it fits, instead.")] = False,
    version: Annotated[int, typer.Option(min=0, help="An earlier one; 0: the newest.")] = 0,
) -> None:
    """One schema in full, as registries have it; always JSON.

    Example: penstock schemas show CastVote --example
    """
    from penstock.cli.schemas_shown import example_of, one_of, version_of

    found = one_of(name)
    shown = example_of(found) if example else version_of(found, name, version)
    print(json.dumps(shown, indent=2, ensure_ascii=False))


@schemas_app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(help="A folder of .avsc files.", exists=True, file_okay=False)],
    as_json: AsJson = False,
) -> None:
    """May the schemas in a folder follow those that are pinned? Exits with 1 if one may not.

    Example: penstock schemas check ./schemas
    """
    from penstock.schemas.folder import NotSchemas, judge, read_folder
    from penstock.schemas.registry import Lock

    try:
        found = list(judge(read_folder(folder), Lock.read()))
    except NotSchemas as error:
        raise SetupError(f"{error}: name a folder with one named type a file") from error
    if as_json:
        print(json.dumps({"records": [asdict(one) for one in found]}, indent=2))
    for one in found if not as_json else ():
        state = "doesn't fit" if one.problems else "fits" if one.subjects else "is new"
        print("\n".join((f"{one.record} {state}", *(f"    {problem}" for problem in one.problems))))
    raise typer.Exit(any(one.problems for one in found))


@schemas_app.command("diff")
def diff(as_json: AsJson = False) -> None:
    """What the registry at SCHEMA_REGISTRY_URL has otherwise than this version. Exits with 1 if something is.

    Example: penstock schemas diff --json
    """
    from penstock.schemas.confluent import RegistryRefused, RegistryUnavailable
    from penstock.schemas.registry import Lock
    from penstock.schemas.registry_diff import Registry, registry_diff

    url = Settings.partial().schema_registry_url
    if not url:
        raise SetupError("SCHEMA_REGISTRY_URL isn't set: export it, or there is nothing to compare with")
    registry = Registry(url)
    try:
        found = list(registry_diff(Lock.read(), registry))
    except (RegistryUnavailable, RegistryRefused) as error:
        raise SetupError(f"{error}: start it, or correct SCHEMA_REGISTRY_URL") from error
    finally:
        registry.close()
    if as_json:
        print(json.dumps({"differences": [asdict(one) for one in found]}, indent=2))
    for one in found if not as_json else ():
        ids = f"pinned id {one.pinned_id or '-'}, the registry's {one.registry_id or '-'}"
        print(f"{one.subject} version {one.version}: {one.kind.replace('_', ' ')} ({ids})")
    if not (found or as_json):
        print("the registry has what is pinned")
    raise typer.Exit(bool(found))
