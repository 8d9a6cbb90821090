"""What stands in payloads and texts: shown as it was, or said to be unreadable; nothing stops the views."""

from dataclasses import replace

import pytest

from penstock.schemas.canonical import payload_of
from penstock.schemas.envelope.records import Payload
from penstock.schemas.run import records as runs
from tests.views.histories import asked, started
from tests.views.test_projection import DONE, RUN_ID, Views, project


def test_the_argument_bytes_are_kept_as_they_were_approved(views: Views) -> None:
    content = b'{"amount":420.00,"b":1E2,"a":1}'
    exact = replace(asked(RUN_ID, 1), arguments=payload_of(content))
    project(views, started(), exact)
    kept = views.execute("SELECT arguments::text FROM views.approval").fetchone()
    assert kept == (content.decode(),)


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (payload_of(b'"nul \\u0000"'), "nul \ufffd"),
        (payload_of(b"{not json"), {"base64": "e25vdCBqc29u"}),
        (payload_of(b"\xff\xfe", "application/octet-stream"), {"base64": "//4="}),
        (payload_of(b"1e400"), {"base64": "MWU0MDA="}),
        (payload_of(b'"\\ud800"'), {"base64": "Ilx1ZDgwMCI="}),
        (Payload(content_type="application/json", reference="s3://x", sha256="a" * 64), None),
        (Payload(content_type="application/json", content=b"{}", sha256="a" * 64, key_id="k"), None),
    ],
)
def test_a_payload_that_cannot_be_read_stops_nothing(views: Views, payload: Payload, shown: object) -> None:
    row = project(views, started(input=payload), DONE)
    assert (row["input"], row["status"]) == (shown, "completed")


def test_text_that_postgres_cannot_hold_stops_nothing(views: Views) -> None:
    row = project(views, started(requester="a\x00na"), runs.RunCancelled(reason="wh\x00y"))
    assert (row["requester"], row["error"]["message"]) == ("a\ufffdna", "wh\ufffdy")
