"""Where a process learns its addresses from."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from penstock.runtime.errors import NotConfigured
from penstock.runtime.settings import ADDRESSES, Settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ADDRESSES.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    return tmp_path


def test_environment_comes_before_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {"kafka_bootstrap_servers": "file:9092", "database_url": "postgresql://file/db"}
    (home / "local.json").write_text(json.dumps(addresses))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "given:9092")

    settings = Settings.load()

    assert settings.kafka_bootstrap_servers == "given:9092"
    assert settings.database_url == "postgresql://file/db"
    assert settings.home == home


def test_missing_address_is_named_with_what_to_type(home: Path) -> None:
    with pytest.raises(NotConfigured, match=r"KAFKA_BOOTSTRAP_SERVERS isn't set.*`penstock up`"):
        Settings.load()


def test_broken_file_is_named_with_what_to_type(home: Path) -> None:
    (home / "local.json").write_text("{")
    with pytest.raises(NotConfigured, match=r"local\.json can't be read.*remove it"):
        Settings.load()


def test_settings_are_frozen_and_checked(home: Path) -> None:
    settings = Settings(kafka_bootstrap_servers="a:1", database_url="postgresql://b")
    with pytest.raises(ValidationError):
        setattr(settings, "lease_ms", 5)  # noqa: B010
    with pytest.raises(NotConfigured, match=r"PENSTOCK_BATCH_RECORDS_MAX: .*: correct it, or unset it"):
        Settings(batch_records_max=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PENSTOCK_API_PORT", "eighty"),
        ("PENSTOCK_LOG_LEVEL", "LOUD"),
        ("PENSTOCK_OIDC_GROUP_ROLES", "/bank/desk"),
        ("PENSTOCK_OIDC_GROUP_ROLES", '{"/bank/desk": 7}'),
    ],
)
def test_a_variable_that_cannot_be_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured, match=name):
        Settings.partial()


def test_database_password_is_not_printed(home: Path) -> None:
    assert "secret" not in repr(Settings(database_url="postgresql://user:secret@host/db"))


def test_roles_of_groups_are_json(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_OIDC_GROUP_ROLES", '{"/bank/a desk": ["analyst", "operator"]}')
    assert Settings.partial().oidc_group_roles == {"/bank/a desk": ("analyst", "operator")}
