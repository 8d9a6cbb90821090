"""An issuer that answers with anything but its keys: it costs bounded time and memory, and opens nothing."""

import asyncio
import gzip
import json
import logging
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, repeat

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from penstock.api.jwks import ANSWER_BYTES_MAX, KEYS_MAX, RENEW_S, Jwks, Keys, NoKeys, keys_of, reader_of
from tests.api.hostile_tokens import attackers_key
from tests.api.issuer import public_jwk, rsa_key

PUBLIC = public_jwk(attackers_key())
GOOD = json.dumps({"keys": [PUBLIC | {"kid": "good"}]}).encode()
DRIP_S = 0.02


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Rude(socketserver.ThreadingTCPServer):
    """Says what it is told to, in pieces with a pause between them, and counts who comes."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.pieces: Sequence[bytes] | Iterator[bytes] = ()
        self.paths: list[str] = []
        self.ends = threading.Event()
        rude = self

        class Says(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                rude.paths.append(self.request.recv(65_536).split(b" ")[1].decode())
                try:
                    for piece in rude.pieces:
                        self.request.sendall(piece)
                        if rude.ends.wait(DRIP_S):
                            return
                except OSError:
                    return

        super().__init__(("127.0.0.1", 0), Says)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/keys"


@pytest.fixture
def rude() -> Iterator[Rude]:
    server = Rude()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.ends.set()
    server.shutdown()
    server.server_close()
    thread.join()


BOMB = gzip.compress(b" " * 30_000_000 + GOOD)
HOSTILE: dict[str, bytes] = {
    "too large": answer(b" " * (ANSWER_BYTES_MAX + 1) + GOOD),
    "large when unpacked": answer(BOMB, "200 OK", "Content-Encoding: gzip"),
    "HTML": answer(b"<html>sign in</html>"),
    "nothing": answer(b""),
    "broken JSON": answer(GOOD[:-2]),
    "deep JSON": answer(b"[" * 200_000),
    "a number of a million digits": answer(b'{"keys":' + b"9" * 900_000 + b"}"),
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a length that isn't true": answer(GOOD).replace(b"Content-Length: ", b"Content-Length: 9"),
    "an error": answer(GOOD, "500 Internal Server Error"),
    "keys only for somebody": answer(GOOD, "401 Unauthorized"),
    "no content": answer(b"", "204 No Content"),
}


def test_what_is_no_jwks_is_told_from_one(rude: Rude) -> None:
    rude.pieces = (answer(GOOD),)
    assert set(reader_of("", rude.url)()) >= {("good", "RS256")}
    taken = []
    for name, content in HOSTILE.items():
        rude.pieces = (content,)
        with suppress(NoKeys):
            reader_of("", rude.url)()
            taken.append(name)
    assert taken == []


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_a_redirect_is_not_followed(rude: Rude, status: str) -> None:
    rude.pieces = (answer(GOOD, status, "Location: /elsewhere"),)
    with pytest.raises(NoKeys, match="answers 30"):
        reader_of("", rude.url)()
    assert rude.paths == ["/keys"]


@pytest.mark.parametrize("where", ["head", "body"])
def test_an_answer_that_drips_has_an_end(rude: Rude, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.api.jwks.ANSWER_S", 0.2)
    begin = (
        b"HTTP/1.1 200 OK\r\nX: " if where == "head" else b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"
    )
    rude.pieces = chain((begin,), repeat(b"x", 250))
    with pytest.raises(NoKeys, match="doesn't answer within"):
        reader_of("", rude.url)()


def test_who_waits_for_an_issuer_that_never_answers_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even its name server does, say, whom no time limit reaches."""
    monkeypatch.setattr("penstock.api.jwks._WAIT_S", 0.05)
    goes_on = threading.Event()

    def read() -> Keys:
        assert goes_on.wait(30)
        raise NoKeys("at last")

    async def scenario() -> list[int]:
        jwks = Jwks(read)
        answers = await asyncio.gather(*(jwks.find("a", "RS256") for _ in range(5)), return_exceptions=True)
        goes_on.set()
        return [getattr(each, "status_code", 0) for each in answers]

    assert asyncio.run(scenario()) == [503] * 5


def test_of_private_keys_the_public_half_is_taken_and_no_secret() -> None:
    private = dict(RSAAlgorithm.to_jwk(attackers_key(), as_dict=True))
    del private["key_ops"]
    keys = keys_of({"keys": [private | {"kid": "leaked"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}]})
    assert {kid for kid, _ in keys} == {"leaked"}
    assert all(isinstance(key.key, RSAPublicKey) for key in keys.values())


def test_keys_that_may_not_verify_or_are_too_large_are_left_out() -> None:
    entries = [
        PUBLIC | {"kid": "signs", "key_ops": ["sign"]},
        PUBLIC | {"kid": "odd", "key_ops": "verify"},
        PUBLIC | {"kid": "large", "n": "_" * 5_000},
        PUBLIC | {"kid": "good"},
    ]
    assert {kid for kid, _ in keys_of({"keys": entries})} == {"good"}


def test_of_ten_thousand_keys_the_first_count_and_of_two_alike_the_first(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever servers in this process have done to loggers before.
    monkeypatch.setattr(logging.getLogger("penstock.api.jwks"), "disabled", False)
    caplog.set_level(logging.WARNING, "penstock.api.jwks")
    other = public_jwk(rsa_key())
    keys = keys_of({"keys": [PUBLIC | {"kid": "same"}, other | {"kid": "same"}]})
    assert json.dumps(PUBLIC["n"]) in str(RSAAlgorithm.to_jwk(keys["same", "RS256"].key))
    assert caplog.text == ""
    many = keys_of({"keys": [PUBLIC | {"kid": str(number), "alg": "RS256"} for number in range(10_000)]})
    assert {kid for kid, _ in many} == {str(number) for number in range(KEYS_MAX)}
    assert "10000 keys" in caplog.text


def test_a_withdrawn_key_is_believed_for_so_long_also_where_nobody_came_meanwhile() -> None:
    now_s = 0.0
    both = keys_of({"keys": [PUBLIC | {"kid": kid} for kid in ("old", "new")]})
    published = both

    async def scenario() -> None:
        nonlocal now_s, published
        jwks = Jwks(lambda: published, lambda: now_s)

        async def believed(kid: str) -> bool:
            return await jwks.find(kid, "RS256") is not None

        assert await believed("old")
        published = {name: key for name, key in both.items() if name[0] == "new"}
        now_s = RENEW_S
        assert await believed("old"), "as documented"
        # Hours of silence, and then a replayed token.
        now_s = 10 * RENEW_S
        assert not await believed("old")
        assert await believed("new")

    asyncio.run(scenario())
