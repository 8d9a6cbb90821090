"""A noun of its own on the shared broker: inputs to its tally, and what became of them."""

import itertools
import uuid

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Outgoing
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import EVENT_BYTES_MAX
from tests.runner.tally import CODEC, entity, input_record, visible

PARTITIONS = 4
NAMES = [f"e{i}" for i in range(40)]


class TallyTopics:
    """One noun's topics, and the notes sent to each entity."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.noun = f"t{uuid.uuid4().hex[:8]}"
        self.inbox, self.events = f"penstock.{self.noun}.inbox", f"penstock.{self.noun}.events"
        self.log = KafkaLog(bootstrap_servers, "test")
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        self._numbers = itertools.count()
        self.sent: dict[str, list[str]] = {entity(name): [] for name in NAMES}
        dead = f"{self.inbox}.penstock.streams.{self.noun}.dlq"
        config = {
            "message.timestamp.type": "LogAppendTime",
            "retention.ms": "-1",
            "max.message.bytes": str(EVENT_BYTES_MAX),
        }
        topics = [NewTopic(topic, PARTITIONS, 1, config=config) for topic in (self.inbox, self.events, dead)]
        for future in self._admin.create_topics(topics).values():
            future.result(30)

    def send(self, rounds: int) -> None:
        """One input for every entity, so many times."""
        for _ in range(rounds):
            batch = []
            for name in NAMES:
                note = f"n{next(self._numbers)}"
                made = input_record(name, FireTimer(timer_id=note))
                batch.append(Outgoing(self.inbox, made.key, made.value, made.headers))
                self.sent[entity(name)].append(note)
            self.log.append(batch)

    def histories(self) -> dict[str, list[tuple[int, str]]]:
        """(seq, note) of each entity, as a reader sees them."""
        found: dict[str, list[tuple[int, str]]] = {entity(name): [] for name in NAMES}
        for partition in range(PARTITIONS):
            for record in visible(self.log, partition, self.events):
                meta, body = CODEC.decode_event(record.value or b"")
                assert isinstance(body, InputAccepted)
                found[meta.entity_id].append((meta.entity_seq, body.note.partition("/")[0]))
        return found

    def done(self) -> bool:
        ends = sum(self.log.bounds(self.events, p)[1] for p in range(PARTITIONS))
        if ends < sum(map(len, self.sent.values())):
            return False
        return sum(map(len, self.histories().values())) >= sum(map(len, self.sent.values()))

    def check(self) -> None:
        """Every input once, in the order in which it was sent, without gaps."""
        for entity_id, history in self.histories().items():
            assert history == list(enumerate(self.sent[entity_id], start=1))
