"""Local mode's API keys: made once, kept as hashes."""

import hashlib
import json
import stat
from pathlib import Path

import pytest

from penstock.cli import api_keys


def test_first_start_makes_a_key_for_each_person_and_later_ones_none(tmp_path: Path) -> None:
    path = tmp_path / "home" / "api-keys.json"
    made = api_keys.ensure(path)
    assert [key.subject for key in made] == ["ana", "sam", "olga"]
    assert api_keys.ensure(path) == ()


def test_file_holds_hashes_of_whole_keys_and_no_key(tmp_path: Path) -> None:
    path = tmp_path / "api-keys.json"
    made = api_keys.ensure(path)
    entries = json.loads(path.read_text())["keys"]
    for key, entry in zip(made, entries, strict=True):
        assert key.text.startswith(f"psk_{key.key_id}_")
        assert key.text not in path.read_text()
        assert entry == {
            "id": key.key_id,
            "sha256": hashlib.sha256(key.text.encode()).hexdigest(),
            "tenant": "local",
            "subject": key.subject,
            "roles": list(key.roles),
        }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_added_key_stands_beside_the_first_ones(tmp_path: Path) -> None:
    path = tmp_path / "api-keys.json"
    first = api_keys.ensure(path)
    added = api_keys.add(path, "kim", ("analyst", "supervisor"))
    assert [entry["id"] for entry in api_keys.read(path)] == [*(key.key_id for key in first), added.key_id]


@pytest.mark.parametrize("content", ["", "[]", '{"keys": [{"id": "x"}]}'])
def test_damaged_file_is_named_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "api-keys.json"
    path.write_text(content)
    with pytest.raises(api_keys.KeysUnreadable, match="put it back as it was"):
        api_keys.ensure(path)
    assert path.read_text() == content
