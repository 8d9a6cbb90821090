"""registry.lock: current, append-only, and closed to what isn't compatible."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from penstock.schemas import avro, registry
from penstock.schemas.avro import schema_text, standalone
from penstock.schemas.compatibility import Incompatible
from penstock.schemas.registry import Lock, Locked, PinnedSchemas, pinned
from penstock.schemas.topics import RUN_INBOX, subject, topics_of

CANCEL = "penstock.run.CancelRun"
CANCEL_SUBJECT = f"{RUN_INBOX}-{CANCEL}"


@pytest.fixture
def cancel_run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """CancelRun's .avsc as a copy that a test may change."""
    mine = copy.deepcopy(dict(avro.declared()))
    monkeypatch.setattr(avro, "declared", lambda: mine)
    return mine[CANCEL]


def test_the_lock_is_current_and_compatible(capsys: pytest.CaptureFixture[str]) -> None:
    assert registry.main([]) == 0, capsys.readouterr().out


def test_the_locks_file_is_as_the_lock_writes_it() -> None:
    assert registry.LOCK.read_text("utf-8") == Lock.read().text()


def test_ids_are_unique_to_texts_and_versions_count_from_one() -> None:
    texts: dict[int, str] = {}
    for versions in Lock.read().subjects.values():
        assert [one.version for one in versions] == list(range(1, len(versions) + 1))
        for one in versions:
            assert texts.setdefault(one.schema_id, one.text) == one.text
    assert len(set(texts.values())) == len(texts)


def test_every_record_has_a_pinned_id_whose_schema_is_todays() -> None:
    for name in standalone():
        schema = pinned().schema_of(pinned().id_of(name))
        assert json.dumps(schema, separators=(",", ":"), ensure_ascii=False) == schema_text(name)


def test_subjects_are_topic_and_record_name() -> None:
    expected = {subject(topic.name, name) for name in standalone() for topic in topics_of(name)}
    assert set(Lock.read().subjects) == expected
    assert CANCEL_SUBJECT in expected


def test_an_unknown_id_has_no_schema() -> None:
    assert pinned().schema_of(999_999) is None


def test_a_compatible_change_gets_the_next_version_and_leaves_the_others_alone(cancel_run: Any) -> None:
    before = Lock.read()
    cancel_run["fields"].append({"name": "urgent", "type": "boolean", "doc": "At once.", "default": False})
    assert [name for name, _ in before.missing()] == [CANCEL_SUBJECT]
    after = before.extended()
    highest = max(one.schema_id for versions in before.subjects.values() for one in versions)
    assert after.subjects[CANCEL_SUBJECT][:-1] == before.subjects[CANCEL_SUBJECT]
    assert after.subjects[CANCEL_SUBJECT][-1] == Locked(2, highest + 1, schema_text(CANCEL))
    assert {**after.subjects, CANCEL_SUBJECT: ()} == {**before.subjects, CANCEL_SUBJECT: ()}
    assert PinnedSchemas(after).id_of(CANCEL) == highest + 1
    assert list(after.missing()) == []


def test_a_text_that_comes_back_gets_its_old_id_as_the_newest_version(cancel_run: Any) -> None:
    old_fields = list(cancel_run["fields"])
    cancel_run["fields"].append({"name": "urgent", "type": "boolean", "doc": "At once.", "default": False})
    lock = Lock.read().extended()
    cancel_run["fields"][:] = old_fields
    versions = lock.extended().subjects[CANCEL_SUBJECT]
    assert [one.version for one in versions] == [1, 2, 3]
    assert versions[2].schema_id == versions[0].schema_id


def test_an_incompatible_change_is_refused_and_nothing_is_written(
    cancel_run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "registry.lock"
    path.write_text(registry.LOCK.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(registry, "LOCK", path)
    before = path.read_text("utf-8")
    cancel_run["fields"].append({"name": "urgent", "type": "boolean", "doc": "At once."})
    with pytest.raises(Incompatible, match="urgent isn't written there"):
        Lock.read().extended()
    assert registry.main(["--lock"]) == 1
    assert f"refused {CANCEL_SUBJECT}: today's can't read version 1" in capsys.readouterr().out
    assert path.read_text("utf-8") == before


def test_a_malformed_schema_is_refused(cancel_run: Any) -> None:
    cancel_run["fields"].append(
        {"name": "again", "type": ["null", CANCEL], "doc": "Itself.", "default": None}
    )
    with pytest.raises(Incompatible, match="stands in itself"):
        Lock.read().extended()


def test_a_record_that_is_gone_is_refused(cancel_run: Any) -> None:
    del avro.declared()[CANCEL]  # type: ignore[attr-defined]
    assert [why for why in Lock.read().conflicts() if CANCEL_SUBJECT in why]


def test_an_unlocked_change_is_told_and_locking_mends_it(
    cancel_run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "registry.lock"
    path.write_text(registry.LOCK.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(registry, "LOCK", path)
    cancel_run["doc"] = "End a run early."
    assert registry.main([]) == 1
    assert f"not locked {CANCEL_SUBJECT}" in capsys.readouterr().out
    assert registry.main(["--lock"]) == 0
    assert registry.main([]) == 0


def test_a_lock_begins_empty_and_gives_ids_from_one(tmp_path: Path) -> None:
    fresh = Lock.read(tmp_path / "none.lock").extended()
    ids = {one.schema_id for versions in fresh.subjects.values() for one in versions}
    assert ids == set(range(1, len(list(standalone())) + 1))
