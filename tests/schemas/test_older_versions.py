"""What was written with an older version of a schema is read today: new fields have their defaults."""

import copy
import io
import json
from typing import Any

import fastavro
import pytest
from tests.schemas.test_examples import example

from penstock.schemas.avro import FOLDER, self_contained
from penstock.schemas.bodies import INPUTS
from penstock.schemas.codec import pinned_codec

LOCKED: dict[str, dict[str, Any]] = json.loads((FOLDER / "registry.lock").read_text("utf-8"))
OLDER = [
    (subject.rpartition("-")[2], version["id"], json.loads(version["schema"]))
    for subject, versions in LOCKED.items()
    for version in [versions[number] for number in sorted(versions, key=int)][:-1]
]


def test_there_are_older_versions() -> None:
    assert {"penstock.run.RunStarted", "penstock.run.ApprovalGranted"} <= {name for name, _, _ in OLDER}


@pytest.mark.parametrize(("name", "schema_id", "schema"), OLDER, ids=lambda each: str(each)[:40])
def test_an_older_record_is_read(name: str, schema_id: int, schema: Any) -> None:
    whole = example(name)
    known = {field["name"] for field in schema["fields"]}
    stream = io.BytesIO(b"\0" + schema_id.to_bytes(4, "big"))
    stream.seek(5)
    old = {field: value for field, value in whole.items() if field in known}
    fastavro.schemaless_writer(stream, fastavro.parse_schema(copy.deepcopy(schema)), old)
    decode = pinned_codec().decode_input if name in INPUTS else pinned_codec().decode_event
    read = decode(stream.getvalue())[1].to_avro()
    defaults = {field["name"]: field.get("default") for field in self_contained(name)["fields"]}
    assert {**old, **{field: defaults[field] for field in whole.keys() - known}} == {
        **read,
        "meta": whole["meta"],
    }
