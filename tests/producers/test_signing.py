"""Signatures and key files: who is believed, and what happens to who isn't."""

import json
import secrets
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.producers.errors import KeysExist, KeysExposed, KeysMalformed, KeysMissing, NoSuchKey
from penstock.producers.log import Record
from penstock.producers.signing import SECRET_BYTES, SERVICES, Authority, Key, Keyring
from penstock.schemas import ids
from penstock.schemas.codec import InputBody, pinned_codec
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.headers import SIGNATURE

Cancel = Callable[..., tuple[InputMeta, InputBody]]


def signed(keyring: Keyring, authority: Authority, meta: InputMeta, body: InputBody) -> Record:
    value = pinned_codec().encode(meta, body)
    signature = keyring.signer(authority).sign(meta.type, meta.entity_id, meta.tenant, value)
    headers = ((SIGNATURE, signature.encode()),)
    return Record("topic", 0, 0, 0, meta.entity_id.encode(), value, headers)


@pytest.mark.parametrize("authority", [Authority.APP, Authority.TOOLS])
def test_a_signed_record_has_the_authority_of_its_key(
    keyring: Keyring, cancel: Cancel, authority: Authority
) -> None:
    meta, body = cancel()
    assert keyring.verify(signed(keyring, authority, meta, body), meta) is authority


def test_a_signature_names_its_key_and_is_hex(keyring: Keyring) -> None:
    key_id, _, digest = keyring.signer(Authority.APP).sign("T", "e", "local", b"v").rpartition(":")
    assert key_id == "app:local"
    assert len(bytes.fromhex(digest)) == 32


def test_a_changed_value_has_no_authority(keyring: Keyring, cancel: Cancel) -> None:
    meta, body = cancel()
    record = signed(keyring, Authority.TOOLS, meta, body)
    assert record.value is not None
    assert keyring.verify(replace(record, value=record.value + b"!"), meta) is Authority.NONE
    assert keyring.verify(replace(record, value=None), meta) is Authority.NONE


def test_a_signature_for_another_type_entity_or_tenant_has_no_authority(
    keyring: Keyring, cancel: Cancel
) -> None:
    meta, body = cancel()
    record = signed(keyring, Authority.TOOLS, meta, body)
    assert keyring.verify(record, replace(meta, type="CastVote")) is Authority.NONE
    assert keyring.verify(record, replace(meta, tenant="other")) is Authority.NONE
    assert keyring.verify(record, replace(meta, entity_id=ids.run_id("local", "two"))) is Authority.NONE


def test_an_app_is_not_believed_about_another_tenant(keyring: Keyring, cancel: Cancel) -> None:
    meta, body = cancel(tenant="other")
    assert keyring.verify(signed(keyring, Authority.APP, meta, body), meta) is Authority.NONE
    assert keyring.verify(signed(keyring, Authority.TOOLS, meta, body), meta) is Authority.TOOLS


@pytest.mark.parametrize(
    "header",
    [b"", b"tools", b"tools:", b"tools:00", b"nobody:" + b"0" * 64, b"\xff\xfe:1", "tools:é".encode()],
)
def test_a_missing_or_malformed_signature_has_no_authority(
    keyring: Keyring, cancel: Cancel, header: bytes
) -> None:
    meta, body = cancel()
    record = signed(keyring, Authority.TOOLS, meta, body)
    assert keyring.verify(replace(record, headers=((SIGNATURE, header),)), meta) is Authority.NONE
    assert keyring.verify(replace(record, headers=()), meta) is Authority.NONE


def test_a_key_of_another_ring_with_the_same_id_is_not_believed(keyring: Keyring, cancel: Cancel) -> None:
    meta, body = cancel()
    forged = signed(
        Keyring([Key("tools", secrets.token_bytes(32), Authority.TOOLS)]), Authority.TOOLS, meta, body
    )
    assert keyring.verify(forged, meta) is Authority.NONE


def test_signing_without_a_key_of_that_authority_is_refused(keyring: Keyring) -> None:
    with pytest.raises(NoSuchKey, match="operator"):
        keyring.signer(Authority.OPERATOR)


def test_the_first_key_of_an_authority_signs_and_the_others_still_verify(cancel: Cancel) -> None:
    new, old = (Key(name, secrets.token_bytes(32), Authority.TOOLS) for name in ("new", "old"))
    meta, body = cancel()
    both = Keyring([new, old])
    assert both.signer(Authority.TOOLS).key is new
    assert both.verify(signed(Keyring([old]), Authority.TOOLS, meta, body), meta) is Authority.TOOLS


def test_secrets_stay_out_of_every_repr(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path / "keys.json")
    signer = keyring.signer(Authority.API)
    shown = f"{keyring!r} {keyring} {signer!r} {signer.key!r}"
    assert repr(signer.key.secret)[2:-1] not in shown
    assert signer.key.secret.hex() not in shown


@pytest.mark.parametrize(
    ("key_id", "secret_bytes", "authority", "tenant"),
    [
        ("", 32, Authority.API, None),
        ("two\nlines", 32, Authority.API, None),
        ("api", 31, Authority.API, None),
        ("none", 32, Authority.NONE, None),
        ("app", 32, Authority.APP, None),
        ("api", 32, Authority.API, "local"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    key_id: str, secret_bytes: int, authority: Authority, tenant: str | None
) -> None:
    with pytest.raises(ValueError, match="key"):
        Key(key_id, bytes(secret_bytes), authority, tenant)


def test_a_key_file_from_before_gets_the_keys_that_it_lacks_and_keeps_its_own(
    tmp_path: Path, cancel: Cancel
) -> None:
    path = tmp_path / "keys.json"
    made = Keyring.create(path)
    old = {"keys": [key for key in json.loads(path.read_text())["keys"] if key["authority"] != "schedules"]}
    path.write_text(json.dumps(old))
    path.chmod(0o640)
    assert Keyring.load(path).lacking == ("schedules",)
    whole = Keyring.complete(path)
    assert whole.lacking == Keyring.load(path).lacking == ()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    meta, body = cancel()
    for authority in SERVICES:
        known = Keyring.load(path).verify(signed(made, authority, meta, body), meta)
        assert known is (Authority.NONE if authority is Authority.SCHEDULES else authority)
    before = path.read_bytes()
    Keyring.complete(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]


def test_a_made_key_file_is_the_owners_alone_and_loads(tmp_path: Path, cancel: Cancel) -> None:
    path = tmp_path / "home" / "keys.json"
    made = Keyring.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["keys.json"]
    loaded = Keyring.load(path)
    meta, body = cancel()
    for authority in (*SERVICES, Authority.APP):
        assert len(made.signer(authority).key.secret) == SECRET_BYTES
        assert loaded.verify(signed(made, authority, meta, body), meta) is authority
    assert loaded.signer(Authority.APP).key.key_id == "app:local"
    assert loaded.signer(Authority.APP).key.tenant == "local"


def test_making_keys_twice_keeps_the_first(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    Keyring.create(path)
    before = path.read_bytes()
    with pytest.raises(KeysExist, match=str(path)):
        Keyring.create(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_key_file_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(KeysMissing, match=r"keys\.json.*penstock up"):
        Keyring.load(tmp_path / "keys.json")


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o620, 0o602])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    Keyring.create(path)
    path.chmod(mode)
    with pytest.raises(KeysExposed, match="chmod 600"):
        Keyring.load(path)


def test_a_key_file_for_the_owners_group_loads_as_containers_need_it(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    Keyring.create(path)
    path.chmod(0o440)
    assert Keyring.load(path).signer(Authority.API)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"keys": 3}',
        b'{"keys": ["secret"]}',
        json.dumps({"keys": [{"key_id": "api", "secret": "s3cret", "authority": "api"}]}).encode(),
        json.dumps({"keys": [{"key_id": "api", "secret": "00" * 32, "authority": "king"}]}).encode(),
        json.dumps({"keys": [{"key_id": "api", "secret": "00" * 32, "authority": "api"}] * 2}).encode(),
    ],
)
def test_a_malformed_key_file_is_named_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeysMalformed, match=r"keys\.json") as caught:
        Keyring.load(path)
    assert "cret" not in str(caught.value).replace("signing keys", "")


def test_a_key_file_of_an_earlier_version_is_given_the_keys_that_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    Keyring.create(path)
    earlier = json.loads(path.read_text())
    earlier["keys"] = [entry for entry in earlier["keys"] if entry["authority"] != "callback"]
    path.write_text(json.dumps(earlier))
    path.chmod(0o640)
    assert Keyring.load(path).lacking == ("callback",)
    assert Keyring.complete(path).lacking == ()
    after = json.loads(path.read_text())
    assert after["keys"][:-1] == earlier["keys"]
    assert after["keys"][-1]["authority"] == "callback"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]
    assert Keyring.complete(path).lacking == ()
    assert json.loads(path.read_text()) == after
