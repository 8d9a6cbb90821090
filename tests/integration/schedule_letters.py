"""Records of schedules that can't be taken, as somebody spoilt them."""

import json
from pathlib import Path

from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Outgoing
from penstock.producers.publisher import Publisher
from penstock.producers.schedules import plan_sha256
from penstock.producers.signing import Authority, Keyring
from penstock.runtime.postgres import connect
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.ids import dead_letter_id, derived_id, partition_of, schedule_id
from penstock.schemas.schedule.records import CreateSchedule, Plan
from penstock.schemas.topics import SCHEDULE_EVENTS, SCHEDULE_INBOX

SCHEDULE = schedule_id("local", "nightly")
PLAN = Plan(workflow="case-review", input=json_payload({"case_id": "c"}), cron="0 0 1 1 *", catch_up="skip")


def misplaced(publisher: Publisher) -> Outgoing:
    """A schedule made by olga, on another partition than its key's."""
    meta = InputMeta(
        id=derived_id(SCHEDULE, "made"),
        type="CreateSchedule",
        tenant="local",
        entity_id=SCHEDULE,
        time_ms=7,
        actor=Actor(kind="person", subject="olga", roles=("operator",)),
    )
    body = CreateSchedule(name="nightly", plan=PLAN, body_sha256=plan_sha256(PLAN))
    good = publisher.outgoing(meta, body, SCHEDULE_INBOX)
    wrong = (partition_of(SCHEDULE.encode(), 6) + 1) % 6
    return Outgoing(SCHEDULE_INBOX, good.key, good.value, good.headers, wrong)


def send(log: KafkaLog, keyring: Keyring) -> dict[str, str]:
    """The dead letters' ids: two of the inbox, and one of the events, which the effector that fires can't take."""
    publisher = Publisher(log, pinned_codec(), keyring.signer(Authority.API), "tests")
    key = SCHEDULE.encode()
    records = {
        "misplaced": misplaced(publisher),
        "malformed": Outgoing(SCHEDULE_INBOX, key, b"\x00nonsense", ()),
        "event": Outgoing(SCHEDULE_EVENTS, key, b"\x00nonsense", ()),
    }
    placed = log.append(list(records.values()))
    return {
        kind: dead_letter_id(record.topic, record.partition, record.offset)
        for kind, record in zip(records, placed, strict=True)
    }


def mend(path: Path) -> str:
    """A file with what was meant by the malformed one."""
    meant = {"type": "PauseSchedule", "entity_id": SCHEDULE, "fields": {"reason": "closed"}}
    path.write_text(json.dumps(meant))
    return str(path)


def shown(database_url: str) -> object:
    """State, and by whom it is paused, once the views have the schedule."""
    with connect(database_url) as connection:
        query = "SELECT state, paused_by FROM views.schedule_row WHERE schedule_id = %s"
        return connection.execute(query, (SCHEDULE,)).fetchone()
