"""`penstock status`: what runs, what waits for people, how far behind each group is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.audit import reading
from penstock.cli import shown
from penstock.cli.broker_versions import NotABroker, api_versions
from penstock.cli.local import lag, state
from penstock.cli.screen import console
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings
from penstock.schemas.topics import ALL_TOPICS


@dataclass(slots=True)
class Status:
    """Everything that the command shows. A problem is a sentence; None where all is well."""

    processes: dict[str, int | None]
    broker: str
    broker_problem: str | None = None
    database_problem: str | None = None
    api_url: str = ""
    runs: Mapping[str, int] = field(default_factory=dict)
    approvals_waiting: int = 0
    in_doubt: list[reading.CallInDoubt] = field(default_factory=list)
    dead_letters: int = 0
    lag: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether everything that was started runs and answers."""
        return not self.broker_problem and not self.database_problem and None not in self.processes.values()


def look(settings: Settings) -> Status:
    """Ask everything that can be asked; nothing here waits longer than some seconds."""
    standing = state.read(settings)
    running = standing.alive() if standing else {}
    written = standing.processes if standing else {}
    status = Status(
        {name: process.pid if name in running else None for name, process in written.items()},
        settings.kafka_bootstrap_servers,
        api_url=standing.api_url if standing else "",
    )
    try:
        api_versions(settings.kafka_bootstrap_servers.split(",")[0])
        groups = sorted({(group, topic.name) for topic in ALL_TOPICS for group in topic.consumers})
        status.lag = lag.behind(settings.kafka_bootstrap_servers, groups)
    except NotABroker as error:
        status.broker_problem = str(error)
    try:
        _read_views(settings, status)
    except SetupError as error:
        status.database_problem = str(error)
    return status


def _read_views(settings: Settings, status: Status) -> None:
    with connect(settings, application_name="penstock.status") as connection:
        found = connection.execute("SELECT to_regclass('views.run')").fetchone()
        if found is None or found[0] is None:
            raise SetupError("the database has no views yet: type `penstock migrate`")
        status.runs = reading.counts(connection)
        status.approvals_waiting = len(reading.waiting_approvals(connection))
        status.in_doubt = reading.calls_in_doubt(connection)
        status.dead_letters = reading.dead_letters(connection)


def show(status: Status) -> None:
    """The same for people."""
    for name, pid in status.processes.items():
        console.print(f"  {name:<9} " + (f"runs, process {pid}" if pid else "[red]doesn't run[/red]"))
    console.print(f"  {'broker':<9} {status.broker_problem or f'answers at {status.broker}'}", markup=False)
    console.print(f"  {'database':<9} {status.database_problem or 'answers'}", markup=False)
    if status.api_url:
        console.print(f"  {'url':<9} {status.api_url}", markup=False)
    runs = ", ".join(f"{number} {word}" for word, number in sorted(status.runs.items())) or "none"
    console.print(f"  {'runs':<9} {runs}", markup=False)
    console.print(
        f"  {'waiting':<9} {status.approvals_waiting} approvals (`penstock approvals list`)", markup=False
    )
    if status.dead_letters:
        console.print(f"  {'dead':<9} {status.dead_letters} dead letters", markup=False)
    for group, records in status.lag.items():
        console.print(
            f"  {'lag':<9} {group}: " + ("not known yet" if records is None else f"{records} records"),
            markup=False,
        )
    if status.in_doubt:
        shown.in_doubt(status.in_doubt)
