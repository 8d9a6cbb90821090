"""`penstock workflows list|show|drain`: which versions there are, and which runs hold them. For whoever runs the
installation: of all tenants, unless one is named. Each command imports what it needs when it is called.
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
