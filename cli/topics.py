"""The commands about the topics of the catalogue. Each imports what it needs when it is called."""

import typer

from penstock.cli.questions import AsJson
from penstock.cli.told import tell
from penstock.runtime.settings import Settings

topics_app = typer.Typer(help="The topics of the catalogue on this broker.", no_args_is_help=True)


@topics_app.command("list")
def list_topics(as_json: AsJson = False) -> None:
    """Every topic of the catalogue: what it is for, who writes it, and what is wrong with it on this broker.

    Example: penstock topics list --json
    """
    from penstock.cli.topics_page import show

    raise typer.Exit(show(Settings.load(), as_json))


@topics_app.command("mend")
def mend_topics(as_json: AsJson = False) -> None:
    """Give the topics that are there the retention, clock and limits of the catalogue; partitions are never changed.

    Example: penstock topics mend
    """
    from penstock.producers.topics_admin import mend_topics as mend

    changed = mend(Settings.load().kafka_bootstrap_servers)
    tell(as_json, "\n".join(changed) or "nothing to mend", changed=list(changed))
