"""`penstock doctor` finds what was planted, and the lines that it gives mend it; broker and database are its own."""

import re
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from psycopg.conninfo import make_conninfo
from tests.cli.grounds import Grounds, Place

from penstock.cli.doctor import known_variables
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.ports import free_port
from penstock.cli.local.postgres import LocalPostgres
from penstock.producers.kafka_topics import ClusterTopics
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A broker and a Postgres that these tests may spoil."""
    home = tmp_path_factory.mktemp("doctor")
    with ExitStack() as ends:
        broker, postgres = LocalBroker(home), LocalPostgres(home)
        broker.start()
        ends.callback(broker.stop)
        url = postgres.start()
        ends.callback(postgres.stop)
        yield broker.bootstrap_servers, url


@pytest.fixture(scope="module")
def grounds(servers: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Grounds:
    return Grounds(servers, lambda: tmp_path_factory.mktemp("place"))


@pytest.fixture
def place(grounds: Grounds) -> Iterator[Place]:
    made = grounds.place()
    with made.ends:
        yield made
    if not made.well:
        grounds.spoil()


def topics_of(place: Place) -> ClusterTopics:
    return ClusterTopics(place.broker, 10)


def exposed_keys(place: Place) -> None:
    (place.home / "home" / "keys.json").chmod(0o644)


def no_api_keys(place: Place) -> None:
    (place.home / "home" / "api-keys.json").unlink()


def no_topic(place: Place) -> None:
    admin = AdminClient({"bootstrap.servers": place.broker})
    admin.delete_topics([f"{RUN_EVENTS}.penstock.audit.views.dlq"])[
        f"{RUN_EVENTS}.penstock.audit.views.dlq"
    ].result(10)


def a_week_of_history(place: Place) -> None:
    topics_of(place).set({RUN_INBOX: {"retention.ms": "604800000"}})


def a_new_database(place: Place) -> None:
    name = f"doctor_{uuid.uuid4().hex[:8]}"
    place.sql(f"CREATE DATABASE {name}")
    place.environment["DATABASE_URL"] = make_conninfo(place.database, dbname=name)


def no_such_application(place: Place) -> None:
    place.environment["PENSTOCK_APPLICATION"] = "penstock.examples.casework.app:aplication"


def a_slip_of_the_pen(place: Place) -> None:
    place.environment["PENSTOCK_API_REQUEST_MAX"] = "50"


def no_number(place: Place) -> None:
    place.environment["PENSTOCK_LEASE_MS"] = "ten seconds"


def a_port_in_use(place: Place) -> None:
    listening = place.ends.enter_context(socket.create_server(("127.0.0.1", 0)))
    place.environment["PENSTOCK_API_PORT"] = str(listening.getsockname()[1])


def not_our_role(place: Place) -> None:
    name = f"app_{uuid.uuid4().hex[:8]}"
    place.sql(f"CREATE ROLE {name} LOGIN PASSWORD 'app' IN ROLE pg_read_all_data")
    place.environment["DATABASE_URL"] = make_conninfo(place.database, user=name, password="app")


def no_wall(place: Place) -> None:
    place.sql(
        "ALTER TABLE views.run_row DISABLE ROW LEVEL SECURITY",
        "ALTER VIEW views.approval RESET (security_invoker)",
    )


def a_role_under_no_policy(place: Place) -> None:
    place.sql("ALTER ROLE penstock_tenant BYPASSRLS")


def no_fsync(place: Place) -> None:
    place.sql("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    place.ends.callback(place.sql, "ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()")


def another_log(place: Place) -> None:
    place.sql(
        f"INSERT INTO views.position VALUES ('{RUN_EVENTS}', 0, 17, 1, 'a cluster that was', 'a topic that was')"
    )


def no_registry(place: Place) -> None:
    place.environment["SCHEMA_REGISTRY_URL"] = f"http://127.0.0.1:{free_port()}"


PLANTED: Mapping[str, tuple[Callable[[Place], None], str]] = {
    "exposed keys": (exposed_keys, "keys"),
    "no API keys": (no_api_keys, "keys"),
    "no topic": (no_topic, "topics"),
    "a week of history": (a_week_of_history, "topics"),
    "a new database": (a_new_database, "database"),
    "no such application": (no_such_application, "application"),
    "a slip of the pen": (a_slip_of_the_pen, "variables"),
    "no number": (no_number, "settings"),
    "a port in use": (a_port_in_use, "api port"),
    "not our role": (not_our_role, "tenant wall"),
    "no wall": (no_wall, "tenant wall"),
    "a role under no policy": (a_role_under_no_policy, "tenant wall"),
    "no fsync": (no_fsync, "durability"),
    "another log": (another_log, "one log"),
    "no registry": (no_registry, "schema registry"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_is_found_and_its_advice_mends_it(place: Place, planted: str) -> None:
    plant, check = PLANTED[planted]
    plant(place)
    found = place.doctor()
    assert set(found) == {check}
    assert found[check]["mend"]
    assert (
        place.doctor(*(f"{line} >&2" if "unset" not in line else line for line in found[check]["mend"])) == {}
    )
    place.well = True


def test_a_page_for_people_says_what_to_type(place: Place) -> None:
    exposed_keys(place)
    done = subprocess.run(["penstock", "doctor"], env=place.environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "wrong keys" in done.stdout
    assert f"$ chmod 600 {place.home}/home/keys.json" in done.stdout


def test_every_documented_variable_is_known() -> None:
    documented = Path(__file__).parents[2].joinpath("docs/operating.md").read_text()
    named = set(re.findall(r"`(PENSTOCK_[A-Z_]+)", documented))
    assert len(named) > 10
    assert named <= known_variables()
