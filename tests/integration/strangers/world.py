"""A broker, a database, a worker, views and an API of the suite's own, started once; and what stands on its log."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx

from penstock.cli import api_keys
from penstock.cli.local import ports
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Record
from penstock.producers.publisher import Publisher
from penstock.producers.receipt import Receipt
from penstock.producers.runs import RunClient, StartReceipt
from penstock.producers.schedules import ScheduleClient
from penstock.producers.signing import Authority, Keyring
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import connect, migrate
from penstock.schemas import headers
from penstock.schemas.canonical import json_payload
from penstock.schemas.envelope.records import Actor
from penstock.schemas.ids import partition_of, run_id, schedule_id, triggered_run_id
from penstock.schemas.topics import (
    ALL_TOPICS,
    OPERATOR_ACTIONS,
    PARTITIONS,
    RUN_EVENTS,
    SCHEDULE_EVENTS,
    SCHEDULE_INBOX,
    dead_letter_topic,
)
from tests.integration.processes import Processes, eventually
from tests.integration.strangers.good import CODEC, OTHER, PLAN, TENANT
from tests.integration.strangers.sending import Place

APPLICATION: Final = "tests.integration.strangers.application:application"
UP_S: Final = 60.0
ENDS_S: Final = 60.0
EVENTS_OF: Final = {"run": RUN_EVENTS, "schedule": SCHEDULE_EVENTS}
Spot = tuple[str, int, int]


class World:
    """`keyring` has all keys; `client` speaks to the API, `as_(subject)` says as whom."""

    def __init__(self, kafka: str, database_url: str, home: Path, children: Processes) -> None:
        self.kafka, self.home, self.children = kafka, home, children
        self.log = KafkaLog(kafka, "strangers")
        ensure_topics(kafka, ALL_TOPICS)
        self.keyring = Keyring.create(home / "keys.json")
        file = home / "api-keys.json"
        made = (*api_keys.ensure(file), api_keys.add(file, "wanda", ("operator", "analyst"), OTHER))
        self._keys = {key.subject: key.text for key in made}
        self._publisher = Publisher(self.log, CODEC, self.keyring.signer(Authority.APP), "strangers")
        self._app = RunClient(
            self._publisher, TENANT, Actor(kind="app", subject="app:local", roles=("analyst",))
        )
        self._operator = ScheduleClient(
            Publisher(self.log, CODEC, self.keyring.signer(Authority.API), "strangers"),
            TENANT,
            Actor(kind="person", subject="olga", roles=("operator", "analyst")),
        )
        self.api_port = ports.free_port()
        self.client = httpx.Client(base_url=f"http://{ports.HOST}:{self.api_port}", timeout=30)
        self.started: list[str] = []
        self.use(database_url)

    def use(self, database_url: str) -> None:
        """Start all processes on that database."""
        migrate(database_url)
        self.database_url = database_url
        self.children.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "DATABASE_URL": database_url,
            "PENSTOCK_HOME": str(self.home),
            "PENSTOCK_APPLICATION": APPLICATION,
            "PENSTOCK_SESSION_TIMEOUT_MS": "6000",
            "PENSTOCK_API_PORT": str(self.api_port),
        }
        self.children.start("worker", ["penstock.cli.main", "worker", "all", "--name", "worker"])
        self.children.start("views", ["penstock.cli.main", "worker", "views", "--name", "views"])
        self.children.start("api", ["penstock.cli.main", "api"])
        eventually(lambda: ports.answers(self.api_port), UP_S, self.children.tails)

    def as_(self, subject: str) -> dict[str, str]:
        """The credentials of one of ana, sam, olga (tenant local) and wanda (another tenant)."""
        return {"Authorization": f"Bearer {self._keys[subject]}"}

    def get(self, subject: str, path: str) -> httpx.Response:
        """What the API answers; never a 500."""
        answer = self.client.get(path, headers=self.as_(subject))
        assert answer.status_code < 500, (path, answer.text)
        return answer

    def work_goes_on(self) -> None:
        """In each partition a new run and one that a new schedule starts come to their end, and nobody dies."""
        keys = _one_in_each(lambda key: run_id(TENANT, key))
        starts = [self._app.start("order", {"number": 7}, key) for key in keys]
        ids = [start.run_id for start in starts]
        receipts: list[Receipt | StartReceipt] = [*starts]
        plan = replace(PLAN, workflow="order", input=json_payload({"number": 7}))
        for name in _one_in_each(lambda name: schedule_id(TENANT, name)):
            input_id = str(uuid.uuid4())
            receipts.append(self._operator.create(name, plan))
            receipts.append(self._operator.trigger(name, input_id=input_id))
            ids.append(triggered_run_id(schedule_id(TENANT, name), input_id))
        for receipt in receipts:
            receipt.wait(30)
        self.started += ids
        self.until(
            lambda: self.statuses(ids) == {"completed": len(ids)},
            lambda: f"{self.statuses(ids)}\n{self.waiting()}",
        )

    def until(self, holds: Any, otherwise: Any) -> None:
        """Wait for it, for as long as everybody lives."""

        def alive() -> bool:
            dead = [name for name in self.children.running if self.children.died(name)]
            assert not dead, f"{dead} died\n{self.children.tails()}"
            return bool(holds())

        eventually(alive, ENDS_S, lambda: f"{otherwise()}\n{self.children.tails()}")
        assert alive()

    def statuses(self, ids: Sequence[str]) -> dict[str, int]:
        """How many of these runs have each status."""
        counts = "SELECT status, count(*) FROM views.run WHERE run_id = ANY(%s) GROUP BY 1"
        return {str(row[0]): int(str(row[1])) for row in self.rows(counts, (list(ids),))}

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """What the database says."""
        with connect(self.database_url) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def epoch(self, noun: str) -> int:
        """One under which events of that noun count in every partition."""
        highest = "SELECT max(epoch) FROM penstock.checkpoint WHERE noun = %s"
        return int(str(self.rows(highest, (noun,))[0][0]))

    def letters(self, topic: str, group: str) -> dict[Spot, Record]:
        """By the place of the original: what a group has put into its dead letters."""
        found: dict[Spot, Record] = {}
        for record in self.all_of(dead_letter_topic(topic, group)):
            said = dict(record.headers)
            if headers.DLQ_OFFSET in said:
                spot = (topic, int(said[headers.DLQ_PARTITION]), int(said[headers.DLQ_OFFSET]))
                found[spot] = record
        return found

    def caused(self, inbox: str) -> dict[Spot, list[str]]:
        """By the place of the input: the types of the events that it caused."""
        noun = "schedule" if inbox == SCHEDULE_INBOX else "run"
        found: dict[Spot, list[str]] = {}
        for record in self.all_of(EVENTS_OF[noun]):
            try:
                meta, _ = CODEC.decode_event(record.value or b"")
            except ValueError:
                continue
            if record.header(headers.CE_SOURCE) == f"penstock.streams.{noun}s".encode():
                spot = (inbox, meta.cause.partition, meta.cause.offset)
                found.setdefault(spot, []).append(meta.type)
        return found

    def in_views(self, table: str) -> set[Spot]:
        """The places of the records that a view of events or actions has rows of."""
        topic = "topic" if table.endswith("_event") else f"'{OPERATOR_ACTIONS}'"
        return self._spots(f'SELECT {topic}, partition, "offset" FROM views.{table}')

    def in_letters(self, group: str | None = None) -> set[Spot]:
        """The places that the view of dead letters names, of one group or of all."""
        of_all = 'SELECT topic, partition, "offset" FROM views.dead_letter'
        return self._spots(of_all if group is None else f"{of_all} WHERE consumer_group = '{group}'")

    def _spots(self, query: str) -> set[Spot]:
        return {(str(t), int(str(p)), int(str(o))) for t, p, o in self.rows(query)}

    def all_of(self, topic: str) -> Iterable[Record]:
        """All that stands on a topic."""
        for partition in range(PARTITIONS):
            yield from self.log.read(topic, partition, *self.log.bounds(topic, partition))

    def projected(self, places: Iterable[Place]) -> bool:
        """Whether the views have come past these."""
        told = self.rows("SELECT topic, partition, position FROM views.position")
        at = {(str(topic), int(str(p))): int(str(position)) for topic, p, position in told}
        return all(at.get((place.topic, place.partition), 0) > place.offset for place in places)

    def waiting(self) -> str:
        """Where the views stand, of each partition that has more."""
        told = self.rows("SELECT topic, partition, position FROM views.position ORDER BY 1, 2")
        ends = {(t, p): self.log.bounds(str(t), int(str(p)))[1] for t, p, _ in told}
        return "\n".join(
            f"{topic}/{partition}: {position} of {ends[topic, partition]}"
            for topic, partition, position in told
            if position != ends[topic, partition]
        )

    def memory_mb(self) -> dict[str, int]:
        """The most that each process has held so far."""
        found = {}
        for name, child in self.children.running.items():
            lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
            found[name] = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
        return found

    def stop(self) -> None:
        """End the processes; log and database stay."""
        self.children.stop_all()

    def close(self) -> None:
        """Let go."""
        self.client.close()
        self._publisher.close(5)
        self.log.close()


def _one_in_each(entity: Callable[[str], str]) -> list[str]:
    """A name for each partition, that of the entity which is called so."""
    found: dict[int, str] = {}
    while len(found) < PARTITIONS:
        name = str(uuid.uuid4())
        found.setdefault(partition_of(entity(name).encode(), PARTITIONS), name)
    return list(found.values())
