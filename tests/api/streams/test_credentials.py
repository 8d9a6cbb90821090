"""A stream lives no longer than the credentials that opened it, whatever becomes of the clock."""

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from penstock.runtime.postgres import connect
from tests.api.issuer import AUDIENCE, Issuer, bearer
from tests.api.issuer import serving as serving_keys
from tests.api.streams.conftest import Served
from tests.api.streams.reading import Reader, having, writing
from tests.integration.processes import eventually
from tests.views.histories import case_review, new_run

ALL = "/v1/events?after=beginning"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving_keys() as one:
        yield one


@pytest.fixture
def set_up(issuer: Issuer) -> dict[str, object]:
    return {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE}


class Clock(SimpleNamespace):
    """The API's, as it compares it with what credentials say."""

    ahead_s: float = 0

    def time(self) -> float:
        return time.time() + self.ahead_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("penstock.api.authentication.time", made)
    return made


def forgotten(reader: Reader) -> bool:
    """Nobody ends the stream: it has shown what it mustn't, or says again and again that it lives."""
    return len(reader.events) > 1 or len(reader.comments) > 20


def until_shown(reader: Reader) -> None:
    eventually(lambda: bool(reader.events), 20, lambda: "nothing is shown")


def revoked(served: Served) -> None:
    assert served.client.delete("/v1/keys/ana", headers=served.api.as_("ada")).status_code == 204


def expired(served: Served) -> None:
    revoked(served)
    with connect(served.api.settings.database_url) as connection:
        connection.execute(
            "UPDATE penstock.api_key SET revoked_at = NULL, expires_at = clock_timestamp() - interval '1 s',"
            " changed_at = clock_timestamp()"
        )


@pytest.mark.parametrize("end", [revoked, expired])
def test_nothing_is_shown_after_a_key_has_ended(served: Served, end: Callable[[Served], None]) -> None:
    run_id = new_run()
    first, second, *_ = case_review(run_id)
    served.api.tell(run_id, first)

    reader = Reader()

    def go_on() -> None:
        until_shown(reader)
        end(served)
        own = served.api.as_("ana")
        eventually(
            lambda: served.client.get("/v1/me", headers=own).status_code == 401, 10, lambda: "it counts"
        )
        served.api.tell(run_id, second)

    path = f"/v1/runs/{run_id}/events"
    with writing(go_on):
        reader.read(served.client, path, served.api.as_("ana"), forgotten)
    assert (reader.seqs, reader.ended) == ([1], False)
    assert served.read(path, last_id=reader.last_id).status == 401
    assert served.read(path, "sam", having(2)).seqs == [1, 2]


def test_a_stream_ends_with_its_token_when_the_clock_jumps_too(
    served: Served, issuer: Issuer, clock: Clock
) -> None:
    run_id = new_run()
    served.api.tell(run_id, case_review(run_id)[0])
    headers = bearer(issuer.token())

    def jump(reader: Reader, ahead_s: float) -> None:
        until_shown(reader)
        clock.ahead_s = ahead_s

    # An hour back: it isn't over yet. Four minutes on, neither; the leeway counts as for requests.
    reader = Reader()
    with writing(lambda: jump(reader, -3_600)):
        reader.read(served.client, ALL, headers, lambda it: len(it.comments) > 2)
    assert (reader.seqs, len(reader.comments)) == ([1], 3)
    for within_s in (240, 310):
        clock.ahead_s = within_s
        assert Reader().read(served.client, ALL, headers, having(1)).seqs == [1]
    clock.ahead_s = 0
    ended = Reader()
    with writing(lambda: jump(ended, 361)):
        ended.read(served.client, ALL, headers, forgotten)
    assert ended.seqs == [1]
    assert len(ended.comments) <= 20, "it goes on"
