"""Requests that are none, or say two things at once, or too much: what each is answered. docs/strangers.md shows it."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.api.stranger_clients import request

JSON: Final = ("Content-Type", "application/json")
CHUNKED: Final = ("Transfer-Encoding", "chunked")
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Odd:
    """`make` is given the headers of a caller with a key; each of `count` answers has one of these statuses."""

    name: str
    make: Callable[[Headers], bytes]
    answers: frozenset[int]
    count: int = 1


def _raw(name: str, raw: bytes, *answers: int) -> Odd:
    return Odd(name, lambda _: raw, frozenset(answers or (400,)))


def _get(name: str, target: str, *answers: int, headers: Headers | None = None, method: str = "GET") -> Odd:
    return Odd(name, lambda own: request(method, target, [*own, *(headers or [])]), frozenset(answers))


def _post(name: str, body: bytes, *answers: int, headers: Headers | None = None, length: bool = True) -> Odd:
    def make(own: Headers) -> bytes:
        said = [("Content-Length", str(len(body)))] if length else []
        return request("POST", "/v1/runs", [*own, *(headers or [JSON]), *said], body)

    return Odd(name, make, frozenset(answers))


def _chunked(body: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body,)) + b"0\r\n\r\n"


START: Final = b'{"workflow": "nothing", "input": {}}'
ODD: Final = (
    _raw(
        "TLS where HTTP is spoken", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 60 + b"\r\n\r\n"
    ),
    _raw("HTTP/2 without being asked", b"PRI * HTTP/2.0\r\n\r\n", 400, 404, 405),
    _raw("HTTP of 1991", b"GET /v1/runs\r\n\r\n"),
    _raw("no Host", b"GET /v1/runs HTTP/1.1\r\n\r\n"),
    _raw("a space before a header's colon", b"GET /v1/runs HTTP/1.1\r\nHost : test\r\n\r\n"),
    _raw("U+0000 in a header", b"GET /v1/runs HTTP/1.1\r\nHost: te\0st\r\n\r\n"),
    _raw("a method that is none", b"GE(T /v1/runs HTTP/1.1\r\nHost: test\r\n\r\n"),
    _raw("a space in the path", b"GET /v1/ru ns HTTP/1.1\r\nHost: test\r\n\r\n"),
    _raw("a head of a megabyte", request("GET", "/v1/runs", [("x", "y" * 1024 * 1024)])),
    _get("a thousand headers", "/v1/runs", 200, headers=[("x", "y")] * 1000),
    _get("a method that nobody has", "/v1/runs", 405, method="BREW"),
    _get("%00 in a path", "/v1/runs/%00", 404, 422),
    _get("overlong UTF-8 in a path", "/v1/runs/%c0%ae%c0%ae", 404, 422),
    _get("a path upwards", "/v1/../../etc/passwd", 404),
    _get("another server's address", "http://elsewhere/v1/runs", 404),
    _get("a path of 50,000 characters", "/v1/runs/" + "a" * 50_000, 404, 422),
    _get("a query of 50,000 characters", "/v1/runs?limit=" + "9" * 50_000, 422),
    _get("a parameter a thousand times", "/v1/runs?" + "limit=1&" * 1000, 200, 422),
    _get(
        "a word that asks for another protocol",
        "/v1/runs",
        200,
        headers=[("Connection", "Upgrade"), ("Upgrade", "websocket")],
    ),
    _get("its credentials twice", "/v1/runs", 400, headers=[("Authorization", "Bearer other")]),
    _post(
        "two Idempotency-Keys", START, 400, headers=[JSON, ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    ),
    _post("a length and chunks", _chunked(START), 400, headers=[JSON, CHUNKED]),
    _post("two lengths", START, 400, headers=[JSON, ("Content-Length", "5")]),
    _post("a negative length", START, 400, headers=[JSON, ("Content-Length", "-1")], length=False),
    _post("a length that is no number", START, 400, headers=[JSON, ("Content-Length", "0x10")], length=False),
    _post(
        "an encoding that is none",
        START,
        400,
        headers=[JSON, ("Transfer-Encoding", "xchunked")],
        length=False,
    ),
    _post(
        "chunks without a size",
        b"zz\r\n{}\r\n",
        400,
        headers=[JSON, CHUNKED],
        length=False,
    ),
    _post("100 MB announced", b"{", 413, headers=[JSON, ("Content-Length", "100000000")], length=False),
    _post(
        "2 MB in chunks",
        _chunked(b" " * 2_000_000),
        413,
        headers=[JSON, CHUNKED],
        length=False,
    ),
    _post(
        "10 MB that gzip makes small",
        gzip.compress(b" " * 10_000_000),
        400,
        415,
        422,
        headers=[JSON, ("Content-Encoding", "gzip")],
    ),
    _post("no type", START, 400, 415, 422, headers=[]),
    _post("another type than JSON", START, 400, 415, 422, headers=[("Content-Type", "text/xml")]),
    _post("JSON that isn't UTF-8", b'{"workflow": "\xff"}', 400, 422),
    _post("JSON nested a hundred thousand deep", b"[" * 100_000 + b"]" * 100_000, 400, 422),
    _post(
        "an input nested three hundred deep",
        b'{"workflow":"case-review","input":' + b'{"a":' * 300 + b"1" + b"}" * 301,
        404,
        422,
    ),
    _post(
        "a number of five thousand digits",
        b'{"workflow":"case-review","input":' + b"9" * 5000 + b"}",
        400,
        404,
        422,
    ),
    _post("a number that is none", b'{"workflow":"case-review","input":NaN}', 400, 404, 422),
    Odd(
        "a request behind a body with two lengths",
        lambda own: request(
            "POST",
            "/v1/runs",
            [*own, JSON, ("Content-Length", "5"), CHUNKED],
            b"0\r\n\r\n" + request("GET", "/v1/approvals", own),
        ),
        frozenset({400}),
    ),
    Odd(
        "fifty requests at once on one connection",
        lambda own: request("GET", "/v1/runs", own) * 50,
        frozenset({200}),
        50,
    ),
)
