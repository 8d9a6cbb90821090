"""An OIDC issuer of a test's own: it makes tokens, and serves its public keys over HTTP until it is told not to."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "penstock"
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Issuer:
    """Where it is, what it has signed with, and how often it was asked for its keys."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/realm"
        self.asked = 0
        self.away = False
        self.discovery = True
        self.private: dict[str, Private] = {}
        self.published: list[dict[str, Any]] = []
        self.rotate("k1")

    def rotate(self, kid: str, *, keep: bool = False, elliptic: bool = False) -> None:
        """A new key under this id; the old ones are no longer published unless they are kept."""
        private: Private = ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa_key()
        self.private[kid] = private
        jwk = public_jwk(private) | {"kid": kid, "use": "sig"}
        self.published = [*(self.published if keep else []), jwk]

    def claims(self, **changes: object) -> dict[str, object]:
        """Those of a good token of ana's. None leaves a claim out."""
        now_s = int(time.time())
        good: dict[str, object] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ana",
            "iat": now_s,
            "exp": now_s + 300,
            "tenant": "local",
            "roles": ["analyst"],
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, kid: str = "k1", algorithm: str = "", /, **changes: object) -> str:
        """A token that this issuer has signed."""
        private = self.private[kid]
        usual = "RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(self.claims(**changes), private, algorithm or usual, headers={"kid": kid})

    def answer(self, path: str) -> tuple[int, object]:
        """What it serves."""
        if self.away:
            return 500, {}
        if path == "/realm/.well-known/openid-configuration" and self.discovery:
            return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/certs"}
        if path == ("/realm/certs" if self.discovery else "/realm/.well-known/jwks.json"):
            self.asked += 1
            return 200, {"keys": self.published}
        return 404, {}


def rsa_key() -> rsa.RSAPrivateKey:
    """A new one."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def public_jwk(private: Private) -> dict[str, Any]:
    """The public half, as a JWKS has it."""
    if isinstance(private, rsa.RSAPrivateKey):
        return dict(RSAAlgorithm.to_jwk(private.public_key(), as_dict=True))
    return dict(ECAlgorithm.to_jwk(private.public_key(), as_dict=True))


def bearer(token: str) -> Mapping[str, str]:
    """The header that carries it."""
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def serving() -> Iterator[Issuer]:
    """An issuer that answers on a port of its own."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, document = issuer.answer(self.path)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    issuer = Issuer(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
