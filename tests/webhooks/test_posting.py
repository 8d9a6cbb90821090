"""Whom a post is connected to: the address that was looked at, under the name that TLS vouches for."""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from penstock.runtime.webhook_secrets import new_secret, seal
from penstock.streams.webhooks.outcomes import Answer
from penstock.streams.webhooks.posting import Poster, Resolve
from penstock.streams.webhooks.rows import Due
from tests.webhooks.conftest import KEYRING
from tests.webhooks.receiver import Receiver

NAME = "hooks.example.com"


def post(url: str, resolve: Resolve, *allowed: str) -> Answer:
    """Of one post."""

    async def once() -> Answer:
        poster = Poster(KEYRING, frozenset(allowed), resolve, timeout_s=5)
        try:
            sealed = seal(KEYRING, "w1", new_secret())
            return await poster.post(Due("w1", "event", 1, "{}", url, sealed, None, 0))
        finally:
            await poster.close()

    return asyncio.run(once())


class Names:
    """A name server whose answers change, and that counts who asks."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return [self.answers.pop(0)]


def test_a_name_that_means_an_address_inside_is_connected_to_by_nobody() -> None:
    receiver = Receiver().start()
    try:
        answer = post(f"https://{NAME}:{receiver.port}/", Names("127.0.0.1"))
        assert answer.unsent
        assert "public internet" in (answer.error or "")
        assert receiver.received == []
    finally:
        receiver.stop()


def test_a_name_is_resolved_once_so_that_it_cannot_mean_something_else_afterwards(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    receiver = Receiver().start()
    names = Names("127.0.0.1", "93.184.216.34")
    try:
        assert post(f"http://{NAME}:{receiver.port}/x?y=1", names, NAME).status == 204
        assert names.asked == [(NAME, receiver.port)]
        assert receiver.received[0].headers["host"] == f"{NAME}:{receiver.port}"
        assert "y=1" not in caplog.text, "what stands in a path may be a secret"
    finally:
        receiver.stop()


@pytest.mark.parametrize("named", [NAME, "other.example.com"])
def test_the_certificate_must_be_the_names(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(named, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    receiver = Receiver(tls=context).start()
    try:
        answer = post(f"https://{NAME}:{receiver.port}/", Names("127.0.0.1"), NAME)
        assert (answer.status == 204) == (named == NAME), answer
        assert named == NAME or "certificate" in (answer.error or "")
        assert len(receiver.received) == (named == NAME)
    finally:
        receiver.stop()


def test_a_name_server_that_fails_is_a_receiver_that_is_away() -> None:
    async def fails(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    answer = post(f"https://{NAME}/", fails)
    assert (answer.status, answer.unsent) == (None, False)
    assert "no such name" in (answer.error or "")


def self_signed(name: str, folder: Path) -> tuple[Path, Path]:
    """A certificate of that name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, secret
