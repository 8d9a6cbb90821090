"""The API's first keys, in local mode: made once, shown once, kept as hashes in `api-keys.json`.

The file holds {"keys": [{"id", "sha256", "tenant", "subject", "roles"}]}; `sha256` is that of the whole key. It opens
the API before there is a table of keys; later ones stand in that (cli/keys.py).
"""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.runtime.errors import SetupError

TENANT: Final = "local"
PEOPLE: Final = (("ana", ("analyst",)), ("sam", ("analyst", "supervisor")), ("olga", ("operator",)))


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment when it is known."""

    key_id: str
    text: str
    tenant: str
    subject: str
    roles: tuple[str, ...]


class KeysUnreadable(SetupError):
    """The file of API keys isn't what it should be: put it back, or remove it and type `penstock up`."""


def ensure(path: Path) -> tuple[NewKey, ...]:
    """Make the first keys if there is no file yet; those made now."""
    if path.exists():
        read(path)
        return ()
    made = tuple(_make(TENANT, subject, roles) for subject, roles in PEOPLE)
    _write(path, [_entry(key) for key in made])
    return made


def add(path: Path, subject: str, roles: tuple[str, ...], tenant: str = TENANT) -> NewKey:
    """One more key in the file. An API that reads this file knows it within two seconds."""
    made = _make(tenant, subject, roles)
    _write(path, [*(read(path) if path.exists() else []), _entry(made)])
    return made


def read(path: Path) -> list[dict[str, object]]:
    """The entries of the file. Raises KeysUnreadable."""
    try:
        entries = json.loads(path.read_text())["keys"]
        for entry in entries:
            _ = entry["id"], entry["sha256"], entry["tenant"], entry["subject"], entry["roles"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeysUnreadable(
            f"{path} can't be used ({type(error).__name__}: {error}): put it back as it was, or remove it "
            "and type `penstock up`, which makes new keys"
        ) from error
    return list(entries)


def _make(tenant: str, subject: str, roles: tuple[str, ...]) -> NewKey:
    key_id = secrets.token_hex(4)
    return NewKey(key_id, f"psk_{key_id}_{secrets.token_hex(24)}", tenant, subject, roles)


def _entry(key: NewKey) -> dict[str, object]:
    return {
        "id": key.key_id,
        "sha256": hashlib.sha256(key.text.encode()).hexdigest(),
        "tenant": key.tenant,
        "subject": key.subject,
        "roles": list(key.roles),
    }


def _write(path: Path, entries: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".writing")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"keys": entries}, file, indent=2)
    beside.replace(path)
