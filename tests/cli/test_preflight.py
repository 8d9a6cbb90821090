"""What preflight finds; each check is shown to fail."""

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.cli import api_keys, preflight
from penstock.cli.broker_versions import FETCH, NotABroker, api_versions
from penstock.producers.signing import Keyring
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings


def problem_of(check: str, settings: Settings) -> str:
    try:
        preflight.CHECKS[check](settings)
    except (preflight.Wrong, SetupError) as problem:
        return str(problem)
    return ""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """All is well but for the servers: there are none."""
    made = Settings(
        home=tmp_path,
        kafka_bootstrap_servers="127.0.0.1:1",
        database_url="postgresql://nobody@127.0.0.1:1/none",
    )
    Keyring.create(made.keys_file)
    api_keys.ensure(made.api_keys_file)
    return made


class Answering:
    """A server that gives everybody the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(1024)
                connection.sendall(self._answer)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


def versions(oldest_fetch: int) -> bytes:
    answer = struct.pack(">ihihhh", 1, 0, 1, FETCH, oldest_fetch, 17)
    return struct.pack(">i", len(answer)) + answer


@pytest.fixture
def old_broker() -> Iterator[Answering]:
    server = Answering(versions(oldest_fetch=0))
    yield server
    server.close()


@pytest.fixture
def stranger() -> Iterator[Answering]:
    server = Answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    yield server
    server.close()


def test_servers_that_are_away_are_named_with_what_to_type(settings: Settings) -> None:
    with pytest.raises(preflight.PreflightFailed) as failed:
        preflight.insist(settings)
    lines = str(failed.value).splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == ["  - broker", "  - database"]
    assert "correct KAFKA_BOOTSTRAP_SERVERS" in lines[1]
    assert "correct DATABASE_URL" in lines[2]


def test_broker_older_than_kafka_4_is_refused(settings: Settings, old_broker: Answering) -> None:
    old = settings.model_copy(update={"kafka_bootstrap_servers": old_broker.address})
    with pytest.raises(preflight.Wrong, match="older than Kafka 4: upgrade it"):
        preflight.broker(old)


def test_one_bootstrap_server_that_answers_is_enough(settings: Settings) -> None:
    server = Answering(versions(oldest_fetch=4))
    both = settings.model_copy(update={"kafka_bootstrap_servers": f"127.0.0.1:1,{server.address}"})
    preflight.broker(both)
    server.close()


def test_another_server_at_the_brokers_address_is_recognised(stranger: Answering) -> None:
    with pytest.raises(NotABroker, match="not as a Kafka broker"):
        api_versions(stranger.address)


@pytest.mark.parametrize("address", ["broker:", "broker:kafka", ":9092", "broker:70000", ""])
def test_what_is_no_address_is_said_as_such(address: str) -> None:
    with pytest.raises(NotABroker, match="isn't an address like broker:9092"):
        api_versions(address)


def test_an_address_without_a_port_is_asked_at_the_port_that_clients_take() -> None:
    with pytest.raises(NotABroker, match=r"no broker answers at nowhere\.invalid"):
        api_versions("nowhere.invalid")


@pytest.mark.broker
def test_database_without_its_tables_is_named(settings: Settings, database_url: str) -> None:
    empty = settings.model_copy(update={"database_url": database_url})
    assert "`penstock migrate`" in problem_of("database", empty)
    migrate(empty)
    assert not problem_of("database", empty)


def test_topic_that_is_not_as_it_must_be_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ["penstock.run.inbox has 3 partitions, not 6"]
    monkeypatch.setattr("penstock.producers.topics_admin.check_topics", lambda _: found)
    assert problem_of("topics", settings) == found[0]


def test_signing_keys_that_others_may_read_are_refused(settings: Settings) -> None:
    settings.keys_file.chmod(0o644)
    assert f"chmod 600 {settings.keys_file}" in problem_of("keys", settings)


def test_missing_keys_are_named(settings: Settings) -> None:
    settings.api_keys_file.unlink()
    assert "api-keys.json isn't there: `penstock prepare` makes it" in problem_of("keys", settings)


@pytest.mark.parametrize("path", ["nonsense", "no.such.module:application", "penstock:application"])
def test_application_that_cannot_be_loaded_is_named(settings: Settings, path: str) -> None:
    wrong = settings.model_copy(update={"application": path})
    assert "PENSTOCK_APPLICATION=module:attribute" in problem_of("application", wrong)


def test_wrong_partitioner_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not problem_of("partitioner", settings)
    monkeypatch.setattr("penstock.cli.local.partitioner.placements", lambda keys: ([0] * len(keys), 6))
    assert "doesn't place keys by murmur2" in problem_of("partitioner", settings)


def test_schema_without_an_id_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock.schemas.registry import Lock

    assert not problem_of("schema ids", settings)
    monkeypatch.setattr(Lock, "read", lambda: Lock({}))
    assert "python -m penstock.schemas.registry --lock" in problem_of("schema ids", settings)
