"""The broker and the database that tests meet, found or started once a session.

KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL come first, then containers where an engine answers, then a broker in
a JVM and a Postgres from its PyPI build. What a session started it stops, by process id.
"""

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from psycopg.conninfo import make_conninfo
from xdist.remote import Producer
from xdist.workermanage import NodeManager

from penstock.cli.local import ports
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from tests import side_by_side

KAFKA_IMAGE = "apache/kafka:4.1.0"
POSTGRES_IMAGE = "pgvector/pgvector:pg17"


class TopicMaker:
    """Makes topics for one test and deletes them after it."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        self._made: list[str] = []

    def __call__(
        self, name: str = "topic", partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> str:
        """A new topic whose name nobody else uses; LogAppendTime, kept forever unless the config differs."""
        unique = f"test-{uuid.uuid4().hex[:8]}.{name}"
        settings = {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1", **(config or {})}
        topic = NewTopic(unique, num_partitions=partitions, replication_factor=1, config=settings)
        self._admin.create_topics([topic])[unique].result(timeout=30)
        self._made.append(unique)
        return unique

    def delete_all(self) -> None:
        """Ask the broker to delete them; it does so in its own time."""
        if self._made:
            self._admin.delete_topics(self._made)
            self._admin.poll(1)


def pytest_configure(config: pytest.Config) -> None:
    """A session that is told to stop ends like one that gets a Ctrl-C: its servers stop with it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Written like this because xdist declares the ten seconds as the only value there is.
    type.__setattr__(NodeManager, "EXIT_TIMEOUT", side_by_side.STOP_S)
    if hasattr(config, "workerinput"):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, side_by_side.end_once)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes `make test` shares the tests between."""
    return side_by_side.processes(config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> side_by_side.SideBySide:
    """In which portions, and in which order."""
    return side_by_side.SideBySide(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One process runs files in the order of their names; two begin with the long ones."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: side_by_side.rank(item.nodeid))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a broker that the whole session shares: use topics, keys and groups of your own."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
    elif image_is_usable(KAFKA_IMAGE):
        with kafka_container() as bootstrap_servers:
            yield bootstrap_servers
    else:
        broker = LocalBroker(tmp_path_factory.mktemp("broker"), heap_mb=512)
        try:
            yield broker.start()
        finally:
            broker.stop()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on which tests may make databases."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
    elif image_is_usable(POSTGRES_IMAGE):
        with postgres_container() as url:
            yield url
    else:
        server = LocalPostgres(tmp_path_factory.mktemp("postgres"))
        try:
            yield server.start()
        finally:
            server.stop()


@pytest.fixture
def make_database(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Makes an empty database at each call and returns its address; all are dropped after the test."""
    names: list[str] = []

    def make() -> str:
        names.append(f"test_{uuid.uuid4().hex[:12]}")
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {names[-1]}".encode())
        if "://" in postgres_server:
            return urlsplit(postgres_server)._replace(path=f"/{names[-1]}").geturl()
        return make_conninfo(postgres_server, dbname=names[-1])

    yield make
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


@pytest.fixture
def database_url(make_database: Callable[[], str]) -> str:
    """The address of an empty database of this test's own."""
    return make_database()


@pytest.fixture
def kafka_topics(kafka: str) -> Iterator[TopicMaker]:
    """Makes topics: `kafka_topics("orders", partitions=3)` returns the name it got, unique to this test."""
    maker = TopicMaker(kafka)
    yield maker
    maker.delete_all()


@pytest.fixture
def fresh_kafka(tmp_path: Path) -> Iterator[LocalBroker]:
    """A started broker of this test's own, which it may stop, kill, start again and wipe."""
    broker = LocalBroker(tmp_path, heap_mb=512)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


@pytest.fixture
def fresh_postgres(tmp_path: Path) -> Iterator[LocalPostgres]:
    """A started Postgres of this test's own, which it may stop, kill, start again and wipe."""
    server = LocalPostgres(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def image_is_usable(image: str) -> bool:
    """Whether a container engine answers and has the image or gets it soon; says why not."""

    def run(*words: str, seconds: float) -> bool:
        try:
            return subprocess.run(["docker", *words], capture_output=True, timeout=seconds).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False

    if not run("version", seconds=5):
        return False  # The ordinary case on a machine without containers: nothing to say.
    if run("image", "inspect", image, seconds=10) or run("pull", "--quiet", image, seconds=90):
        return True
    print(f"\na container engine answers but {image} can't be had: using a server of our own")
    return False


@contextmanager
def kafka_container() -> Iterator[str]:
    """A broker in a container; its port is chosen before, because the broker must tell its clients."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    port = ports.free_port()
    variables = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{ports.HOST}:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port)
    for name, setting in variables.items():
        container = container.with_env(name, setting)
    with container.waiting_for(LogMessageWaitStrategy("Kafka Server started")):
        yield f"{ports.HOST}:{port}"


@contextmanager
def postgres_container() -> Iterator[str]:
    """A Postgres in a container."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    container = (
        DockerContainer(POSTGRES_IMAGE).with_exposed_ports(5432).with_env("POSTGRES_PASSWORD", "penstock")
    )
    # The image starts the server twice: first for its own set-up.
    ready = LogMessageWaitStrategy("database system is ready to accept connections", times=2)
    with container.waiting_for(ready) as started:
        host, port = started.get_container_host_ip(), started.get_exposed_port(5432)
        yield f"postgresql://postgres:penstock@{host}:{port}/postgres"
