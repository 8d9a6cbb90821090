"""What the tests of API keys ask of the API, and what they find on the log."""

import json
import time
from collections.abc import Callable
from typing import Any

from httpx import Response

from penstock.schemas.canonical import read_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.operator.records import OperatorActed
from penstock.schemas.topics import OPERATOR_ACTIONS
from tests.api.conftest import Api

CASE = {"case_id": "case-1"}
SERVICE = {"subject": "nightly", "roles": ["analyst"]}
LEARNED_S = 2.0


def make(api: Api, who: str = "ada", key: str | None = None, **changes: object) -> Response:
    headers = api.as_(who) if key is None else api.as_(who, **{"Idempotency-Key": key})
    answer: Response = api.client.post("/v1/keys", json=SERVICE | changes, headers=headers)
    return answer


def rotate(api: Api, key_id: str, who: str = "ada", **body: object) -> Response:
    answer: Response = api.client.post(f"/v1/keys/{key_id}/rotate", json=body, headers=api.as_(who))
    return answer


def revoke(api: Api, key_id: str, who: str = "ada", reason: str = "") -> int:
    params = {"reason": reason}
    return int(api.client.delete(f"/v1/keys/{key_id}", params=params, headers=api.as_(who)).status_code)


def start(api: Api, key: str) -> Response:
    answer: Response = api.client.post("/case-review", json=CASE, headers={"Authorization": f"Bearer {key}"})
    return answer


def within(seconds: float, happens: Callable[[], bool]) -> bool:
    """Whether it happens in that time."""
    until_s = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.02)
    return True


def works(api: Api, key: str) -> Callable[[], bool]:
    return lambda: start(api, key).status_code == 202


def fails(api: Api, key: str) -> Callable[[], bool]:
    return lambda: start(api, key).status_code == 401


def listed(api: Api, who: str = "ada") -> dict[str, dict[str, Any]]:
    keys = api.client.get("/v1/keys", headers=api.as_(who)).json()["keys"]
    return {key["id"]: key for key in keys}


def recorded(api: Api) -> list[OperatorActed]:
    """What stands on the log of what operators did."""
    records = [
        record
        for partition in range(api.log.partitions(OPERATOR_ACTIONS))
        for record in api.log.read(OPERATOR_ACTIONS, partition, 0, 100)
    ]
    return [pinned_codec().decode_fact(record.value or b"")[1] for record in records]


def detail_of(action: OperatorActed) -> dict[str, Any]:
    return dict(json.loads(read_payload(action.detail)))
