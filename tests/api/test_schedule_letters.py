"""Dead letters of the schedules' inbox over HTTP: shown, mended by who manages schedules, given up."""

from penstock.producers.log import Outgoing
from penstock.producers.signing import Keyring
from penstock.schemas.codec import pinned_codec
from penstock.schemas.ids import dead_letter_id, schedule_id
from penstock.schemas.topics import SCHEDULE_INBOX, SCHEDULES_GROUP
from penstock.streams.arrival import Malformed, receive
from tests.api.conftest import Api
from tests.api.dead import Dead
from tests.api.scheduled import decided

SCHEDULE = schedule_id("local", "nightly")


def spoilt(api: Api) -> str:
    """A record that can't be decoded, as its host would set it aside."""
    (record,) = api.log.append([Outgoing(SCHEDULE_INBOX, SCHEDULE.encode(), b"\x00nonsense", ())])
    arrived = receive(record, 6, pinned_codec(), Keyring.load(api.settings.keys_file))
    assert isinstance(arrived, Malformed)
    api.log.append([arrived.dead_letter(SCHEDULES_GROUP)])
    Dead(api).project()
    return dead_letter_id(record.topic, record.partition, record.offset)


def test_one_is_shown_and_mended_into_a_schedule(api: Api) -> None:
    decided(api)
    ident = spoilt(api)
    path, olga = f"/v1/dead-letters/{ident}", api.as_("olga")
    listed = api.client.get(f"/v1/dead-letters?topic={SCHEDULE_INBOX}", headers=olga).json()["dead_letters"]
    assert [(one["id"], one["group"]) for one in listed] == [(ident, SCHEDULES_GROUP)]
    plan = {"workflow": "case-review", "input": {"content": {"case_id": "case-1"}}, "cron": "0 * * * *"}
    fields = {"name": "nightly", "plan": {**plan, "catch_up": "last"}}
    made = {"type": "CreateSchedule", "entity_id": SCHEDULE, "fields": fields}
    body = {"reason": "as it was meant", "replacement": {"input": made}}
    assert api.client.post(f"{path}/redrive", json=body, headers=api.as_("ana")).status_code == 403
    done = api.client.post(f"{path}/redrive", json=body, headers=olga)
    assert done.status_code == 200, done.text
    shown = api.client.get("/v1/schedules/nightly", headers=olga).json()
    assert (shown["state"], shown["created_by"], shown["cron"]) == ("active", "olga", "0 * * * *")
