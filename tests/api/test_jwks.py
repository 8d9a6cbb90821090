"""The issuer's keys: how they are found, rotated, and missed."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Response

from penstock.api.jwks import AGAIN_S, RENEW_S, UNKNOWN_EVERY_S, Jwks, Keys, NoKeys, keys_of, reader_of
from penstock.api.problems import Problem
from tests.api.conftest import Api
from tests.api.issuer import AUDIENCE, Issuer, bearer, public_jwk, rsa_key, serving
from tests.api.test_every_route import assert_problem

OPEN = "/openapi.json"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving() as one:
        yield one


@pytest.fixture
def set_up(issuer: Issuer) -> dict[str, object]:
    return {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE}


def ask(api: Api, token: str) -> Response:
    answer: Response = api.client.get(OPEN, headers=bearer(token))
    return answer


def test_a_rotated_key_is_taken_and_the_old_one_no_longer(
    api: Api, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.api.jwks.UNKNOWN_EVERY_S", 0.0)
    old = issuer.token()
    assert ask(api, old).status_code == 200
    issuer.rotate("k2", elliptic=True)
    assert ask(api, issuer.token("k2")).status_code == 200
    assert_problem(ask(api, old), 401, "invalid-token")


def test_forged_key_ids_ask_the_issuer_once(api: Api, issuer: Issuer) -> None:
    assert ask(api, issuer.token()).status_code == 200
    issuer.private["forged"] = rsa_key()
    for _ in range(20):
        assert_problem(ask(api, issuer.token("forged")), 401, "invalid-token")
    assert issuer.asked == 1


def test_an_issuer_that_is_away_is_a_503_for_tokens_alone(api: Api, issuer: Issuer) -> None:
    issuer.away = True
    response = ask(api, issuer.token())
    assert_problem(response, 503, "issuer-away")
    assert int(response.headers["retry-after"]) > 0
    assert api.client.get(OPEN, headers=api.as_("ana")).status_code == 200


def test_known_keys_stay_good_while_the_issuer_is_away(
    api: Api, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.api.jwks.UNKNOWN_EVERY_S", 0.0)
    assert ask(api, issuer.token()).status_code == 200
    issuer.away = True
    issuer.rotate("k2")
    assert_problem(ask(api, issuer.token("k2")), 503, "issuer-away")
    assert ask(api, issuer.token()).status_code == 200


class Source:
    """Keys that a test puts there, and a clock that it moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.asked = 0
        self.keys: Keys | None = None

    def read(self) -> Keys:
        self.asked += 1
        if self.keys is None:
            raise NoKeys("away")
        return self.keys

    def clock_s(self) -> float:
        return self.now_s


def published(*kids: str) -> Keys:
    return keys_of({"keys": [public_jwk(rsa_key()) | {"kid": kid} for kid in kids]})


def test_a_fetch_is_made_once_for_all_who_wait_and_leaves_the_loop_free() -> None:
    goes_on, keys = threading.Event(), published("a")

    def read() -> Keys:
        assert goes_on.wait(30)
        asked.append(1)
        return keys

    async def scenario() -> None:
        jwks = Jwks(read)
        waiting = [asyncio.create_task(jwks.find("a", "RS256")) for _ in range(10)]
        await asyncio.sleep(0)  # the loop turns while the thread waits
        goes_on.set()
        assert None not in await asyncio.gather(*waiting)

    asked: list[int] = []
    asyncio.run(scenario())
    assert len(asked) == 1


def test_when_the_issuer_is_asked() -> None:
    source = Source()

    async def found(jwks: Jwks, kid: str) -> bool:
        return await jwks.find(kid, "RS256") is not None

    async def scenario() -> None:
        jwks = Jwks(source.read, source.clock_s)
        for _ in range(3):
            with pytest.raises(Problem) as raised:
                await jwks.find("a", "RS256")
            assert raised.value.status_code == 503
        assert source.asked == 1, "an issuer that is away isn't asked at each request"
        source.keys, source.now_s = published("a"), AGAIN_S
        assert await found(jwks, "a")
        source.keys = published("a", "b")
        assert not await found(jwks, "b")
        assert source.asked == 2, "asked a moment ago"
        source.now_s += UNKNOWN_EVERY_S
        assert await found(jwks, "b")
        source.keys, source.now_s = published("b"), source.now_s + RENEW_S + 1
        assert await found(jwks, "a"), "known keys are renewed behind the request"
        assert not await found(jwks, "c"), "who needs the answer waits for it"
        assert not await found(jwks, "a"), "a key that was withdrawn is forgotten"
        assert source.asked == 4

    asyncio.run(scenario())


def test_without_a_key_id_the_only_key_is_meant() -> None:
    source = Source()

    async def scenario() -> None:
        jwks = Jwks(source.read, source.clock_s)
        source.keys = published("a")
        assert await jwks.find(None, "RS256") is not None
        source.keys, source.now_s = published("a", "b"), RENEW_S + 1
        await jwks.find("a", "RS256")
        await jwks.find("b", "RS256")
        assert await jwks.find(None, "RS256") is None

    asyncio.run(scenario())


def test_only_public_keys_for_signatures_are_taken() -> None:
    jwk = public_jwk(rsa_key())
    entries = [
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0", "alg": "HS256"},
        {**jwk, "kid": "encrypts", "use": "enc"},
        {**jwk, "kid": "hs", "alg": "HS256"},
        {**jwk, "kid": "broken", "n": "!"},
        {**jwk, "kid": "good", "alg": "PS256"},
        "rubbish",
    ]
    assert set(keys_of({"keys": entries})) == {("good", "PS256")}


@pytest.mark.parametrize(
    "document", [[], {}, {"keys": 7}, {"keys": []}, {"keys": [{"kty": "oct", "k": "eA"}]}]
)
def test_what_is_no_jwks_is_none(document: object) -> None:
    with pytest.raises(NoKeys):
        keys_of(document)


def test_where_the_keys_are_found(issuer: Issuer, tmp_path: Path) -> None:
    assert ("k1", "RS256") in reader_of(issuer.url, "")()
    issuer.discovery = False
    assert ("k1", "RS256") in reader_of(issuer.url, "")()
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": issuer.published}))
    assert ("k1", "RS256") in reader_of(issuer.url, str(file))()
    for nowhere in (
        f"{issuer.url}/nowhere",
        str(tmp_path / "none"),
        "http://127.0.0.1:1/",
        "ftp://x",
        "http://[",
    ):
        with pytest.raises(NoKeys):
            reader_of(issuer.url, nowhere)()
    issuer.discovery, issuer.url = True, issuer.url + "/"
    with pytest.raises(NoKeys, match="another issuer's"):
        reader_of(issuer.url.rstrip("/"), "")()
