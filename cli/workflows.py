"""`penstock workflows list|show|drain|migrate`: which versions there are, which runs hold them, and moving these.

For whoever runs the installation: of all tenants, unless one is named. Each command imports what it needs when it is
called.
"""

from typing import Annotated

import typer

from penstock.cli.questions import AsJson
from penstock.runtime.settings import Settings

workflows_app = typer.Typer(help="Workflows and their versions.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="WORKFLOW", help="Its name.")]
Tenant = Annotated[str, typer.Option(help="Only this one's runs; all, if left out.")]
VERSION_MAX = 2**31 - 1


@workflows_app.command("list")
def list_workflows(tenant: Tenant = "", as_json: AsJson = False) -> None:
    """Every version that the application registers or an open run holds, and how many runs hold it.

    Example: penstock workflows list --json
    """
    from penstock.cli import run_reading, shown, workflow_reading, workflows_shown

    settings = Settings.load()
    with run_reading.views(settings) as ask:
        found = workflow_reading.versions(ask, workflow_reading.registered(settings), tenant or None)
    shown.as_json({"versions": found}) if as_json else workflows_shown.versions(found)


@workflows_app.command("show")
def show(name: Name, tenant: Tenant = "", as_json: AsJson = False) -> None:
    """One workflow: of each version its code, limits and signals, and how many runs hold it.

    Example: penstock workflows show case-review
    """
    from penstock.cli import run_reading, shown, workflow_reading, workflows_shown

    settings = Settings.load()
    with run_reading.views(settings) as ask:
        registered = workflow_reading.registered(settings)
        found = workflow_reading.versions(ask, registered, tenant or None, name)
    shown.as_json({"name": name, "versions": found}) if as_json else workflows_shown.versions(found)


@workflows_app.command("drain")
def drain(
    name: Name,
    version: Annotated[int, typer.Option(min=1, max=VERSION_MAX, help="The version that is to go.")],
    watch: Annotated[bool, typer.Option("--watch", help="Wait until no open run holds it.")] = False,
    tenant: Tenant = "",
    as_json: AsJson = False,
) -> None:
    """Which open runs hold a version and what they wait for. Exits with 0 once none does, with 3 as long as one does.

    Example: penstock workflows drain case-review --version 3 --watch && deploy-without-version-3
    """
    from penstock.cli import draining

    code = draining.drain(Settings.load(), name, version, tenant or None, watch=watch, as_json=as_json)
    raise typer.Exit(code)


@workflows_app.command("migrate")
def migrate(
    name: Name,
    of: Annotated[int, typer.Option("--from", min=1, max=VERSION_MAX, help="The version that they have.")],
    to: Annotated[
        int, typer.Option("--to", min=1, max=VERSION_MAX, help="The version that they are to have.")
    ],
    reason: Annotated[str, typer.Option(help="Why; it stays on the log.")],
    status: Annotated[str | None, typer.Option(help="Only these; all that are open, if left out.")] = None,
    requester: Annotated[str | None, typer.Option(help="Only what this one started.")] = None,
    attribute: Annotated[list[str] | None, typer.Option(help="name:value; once for each.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Each run's worker only says whether its history fits.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it; a dry run is always followed.")] = False,
    key: Annotated[str, typer.Option(help="The same again is the same operation.")] = "",
    who: Annotated[
        str, typer.Option("--as", help="The operator, with an API key, who asks for it.")
    ] = "olga",
    of_tenant: Annotated[str, typer.Option("--tenant", help="Whose runs.")] = "local",
    as_json: AsJson = False,
) -> None:
    """Have open runs go on under another version, each if its history fits that version's code; else it stays as it is,
    and says how they differ. Exits with 0 if all fit, with 1 if some don't, with 3 as long as it isn't over.

    Example: penstock workflows migrate case-review --from 3 --to 4 --reason "version 3 is to go" --dry-run
    """
    from penstock.cli import bulk_asking

    words = bulk_asking.words_to_migrate(reason, to, trial=dry_run)
    chosen = bulk_asking.chosen(
        "migrate", name, of, status, requester, (None, None), attribute or [], every=False
    )
    asked = bulk_asking.Asked("migrate", words, chosen, of_tenant, who, key)
    code = bulk_asking.ask(
        Settings.load(), asked, dry_run=False, yes=yes or dry_run, watch=watch or dry_run, as_json=as_json
    )
    raise typer.Exit(code)
