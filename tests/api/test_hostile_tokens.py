"""What is no good token gets a clear problem, whoever made it: nothing is taken, asked or logged."""

import logging
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from httpx import Response

from tests.api.conftest import Api
from tests.api.hostile_claims import REFUSED, TAKEN, UNTRUSTED
from tests.api.hostile_tokens import CONFUSED, FORGED, MANGLED, Hostile, issuers_key, signed
from tests.api.issuer import AUDIENCE, Issuer, bearer, serving
from tests.api.route_case import RUN, tell_of_a_run

CASE = {"case_id": "case-1"}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving() as one:
        yield one


@pytest.fixture
def set_up(issuer: Issuer) -> dict[str, object]:
    return {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE}


class Trap(BaseHTTPRequestHandler):
    """Has a key for whoever asks; nobody may."""

    asked: int = 0

    def do_GET(self) -> None:
        Trap.asked += 1
        self.send_response(404)
        self.end_headers()


@pytest.fixture
def trap() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Trap)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    Trap.asked = 0
    yield f"http://127.0.0.1:{server.server_port}/keys"
    server.shutdown()
    server.server_close()
    thread.join()


def start(api: Api, headers: Mapping[str, str], path: str = "/case-review") -> Response:
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    answer: Response = api.client.post(path, json=CASE, headers=sent)
    return answer


def complaint(answer: Response, status: int, slug: str, says: str, secret: str) -> str:
    """What is wrong with a refusal; nothing if it is as it should be."""
    challenge = answer.headers.get("www-authenticate", "")
    problem = answer.json()
    expected = {
        "a status": answer.status_code == status,
        "a problem": answer.headers["content-type"] == "application/problem+json",
        "a type": problem["type"].startswith(f"urn:penstock:problem:{slug}"),
        "a reason": says in problem["detail"],
        "a challenge": status != 401 or challenge.startswith("Bearer"),
        "a reason in the challenge": slug != "invalid-token"
        or ('error="invalid_token"' in challenge and says in challenge),
        "silence": not secret or secret not in answer.text + challenge,
    }
    wrong = [name for name, holds in expected.items() if not holds]
    return f"{', '.join(wrong)}: {answer.status_code} {answer.text} {challenge}" if wrong else ""


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """All that the API said, but for what its client says."""
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    return "\n".join(f"{record.getMessage()} {record.exc_text}" for record in ours)


@pytest.mark.parametrize("table", [FORGED, CONFUSED, MANGLED], ids=["forged", "confused", "mangled"])
def test_a_forged_token_is_refused_and_not_told_why(
    api: Api, issuer: Issuer, trap: str, table: tuple[Hostile, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong: dict[str, str] = {}
    for row in table:
        token = row.make(issuer, trap)
        said = complaint(
            start(api, bearer(token)), 401, "invalid-token", UNTRUSTED, token[-40:] if len(token) > 99 else ""
        )
        if said or (len(token) > 99 and token[-40:] in logged(caplog)):
            wrong[row.name] = said or "its token is logged"
    assert wrong == {}
    assert api.log.inputs == []
    assert Trap.asked == 0
    assert issuer.asked <= 1


def test_claims_of_wrong_types_are_refused_with_the_reason(
    api: Api, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong: dict[str, str] = {}
    for row in REFUSED:
        token = row.token(issuer)
        slug = "invalid-token" if row.status == 401 else "token-without-"
        if said := complaint(start(api, bearer(token)), row.status, slug, row.says, token[-40:]):
            wrong[row.name] = said
        if token[-40:] in logged(caplog):
            wrong[row.name] = "its token is logged"
    assert wrong == {}
    assert api.log.inputs == []


def test_odd_claims_that_an_issuer_may_make_are_taken(api: Api, issuer: Issuer) -> None:
    answers = {row.name: start(api, bearer(row.token(issuer))).status_code for row in TAKEN}
    assert {name: status for name, status in answers.items() if status != 202} == {}
    assert max(len(meta.actor.roles) for meta, _ in api.log.inputs) == 100


def test_an_address_in_a_good_tokens_header_is_not_asked(api: Api, issuer: Issuer, trap: str) -> None:
    header = {"alg": "RS256", "kid": "k1", "jku": trap, "x5u": trap}
    assert start(api, bearer(signed(issuers_key(issuer), header, issuer.claims()))).status_code == 202
    assert Trap.asked == 0


def test_where_a_token_may_stand(api: Api, issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token, key = issuer.token(), api.keys["ana"]
    for scheme in ("Bearer ", "bearer ", "BEARER ", "Bearer   "):
        assert start(api, {"Authorization": scheme + token}).status_code == 202, scheme
        assert start(api, {"Authorization": f"{scheme}{key}"}).status_code == 202, scheme
    taken = len(api.log.inputs)
    elsewhere: dict[str, tuple[dict[str, str], str]] = {
        "the query": ({}, f"/case-review?access_token={token}&api_key={key}&token={token}"),
        "a cookie": ({"Cookie": f"access_token={token}; Authorization=Bearer {key}"}, "/case-review"),
        "another header": ({"X-API-Key": key, "Proxy-Authorization": f"Bearer {key}"}, "/case-review"),
        "no scheme": ({"Authorization": token}, "/case-review"),
        "a key without a scheme": ({"Authorization": key}, "/case-review"),
        "another scheme": ({"Authorization": f"Basic {key}"}, "/case-review"),
        "DPoP": ({"Authorization": f"DPoP {token}"}, "/case-review"),
        "a tab": ({"Authorization": f"Bearer\t{token}"}, "/case-review"),
        "a wrong key beside a good one": (
            {"Authorization": "Bearer psk_ana_wrong", "X-API-Key": key},
            "/case-review",
        ),
    }
    wrong = {
        name: said
        for name, (headers, path) in elsewhere.items()
        if (
            said := complaint(
                start(api, headers, path), 401, "unauthenticated", "Authorization: Bearer", token[-40:]
            )
        )
    }
    assert wrong == {}
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {key}")]
    answer = api.client.post("/case-review", json=CASE, headers=twice)
    assert complaint(answer, 400, "repeated-header", "authorization", token[-40:]) == ""
    assert len(api.log.inputs) == taken
    assert token[-40:] not in logged(caplog)
    assert key[-40:] not in logged(caplog)


ALIKE = (
    "LOCAL",
    "local ",
    " local",
    "l\u043ecal",
    "\uff4cocal",
    "loca\u0142",
    "loc\u0430l",
    "local%00",
    "local'",
    "%",
    "*",
    "l_cal",
)


def test_a_tenant_that_only_looks_alike_is_another(api: Api, issuer: Issuer) -> None:
    tell_of_a_run(api)
    assert RUN in api.client.get("/v1/runs", headers=bearer(issuer.token())).text
    for tenant in ALIKE:
        headers = bearer(issuer.token(tenant=tenant))
        found = api.client.get("/v1/runs", headers=headers)
        assert (found.status_code, found.json()["runs"]) == (200, []), tenant
        for path in (f"/v1/runs/{RUN}", f"/v1/runs/{RUN}/events", f"/case-review/{RUN}"):
            assert api.client.get(path, headers=headers).status_code == 404, (tenant, path)
