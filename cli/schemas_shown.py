"""The pinned schemas as the command line shows them. Reads registry.lock and the examples of the package."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penstock.runtime.errors import SetupError
from penstock.schemas.avro import FOLDER
from penstock.schemas.registry import Lock, Locked


class NoSuchSchema(SetupError):
    """Nothing is pinned under that name: `penstock schemas list` lists what is."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The newest version of a subject. `doc`: what its records say."""

    subject: str
    topic: str
    record: str
    version: int
    id: int
    doc: str


def subjects(topic: str = "") -> list[Pinned]:
    """Every subject, or those of one topic, by name. Raises NoSuchSchema."""
    found = [_newest(subject, held) for subject, held in sorted(Lock.read().subjects.items())]
    if topic and topic not in {one.topic for one in found}:
        names = ", ".join(sorted({one.topic for one in found}))
        raise NoSuchSchema(f"nothing is pinned for topic {topic}: name one of {names}")
    return [one for one in found if topic in ("", one.topic)]


def one_of(name: str) -> Pinned:
    """By subject, record (with or without its namespace) or id. Raises NoSuchSchema."""
    ids = {one.schema_id: subject for subject, held in Lock.read().subjects.items() for one in reversed(held)}
    wanted = ids.get(int(name), "") if name.isdigit() else name
    found = [
        one
        for one in subjects()
        if wanted in (one.subject, one.record, one.record.rpartition(".")[2]) and wanted
    ]
    # A record that stands on several topics has one schema.
    if not found or len({one.record for one in found}) > 1:
        raise NoSuchSchema(
            f"no schema, or more than one, is called {name}: `penstock schemas list` lists them"
        )
    return found[0]


def version_of(found: Pinned, name: str, version: int = 0) -> Any:
    """Its schema as JSON: that version, that of the id that was named, or the newest. Raises NoSuchSchema."""
    held: Sequence[Locked] = Lock.read().subjects[found.subject]
    by_id = [one for one in held if name.isdigit() and one.schema_id == int(name)]
    by_version = [one for one in held if one.version == version] if version else by_id or held[-1:]
    if not by_version:
        raise NoSuchSchema(f"{found.subject} has no version {version}: there are 1 to {held[-1].version}")
    return json.loads(by_version[0].text)


def example_of(found: Pinned) -> Any:
    """A record that fits it, as JSON."""
    namespace, _, name = found.record.rpartition(".")
    path = FOLDER / namespace.rpartition(".")[2] / "examples" / f"{name}.json"
    if not path.exists():
        raise NoSuchSchema(
            f"{found.record} has no example here: `penstock schemas show {name}` shows its schema"
        )
    return json.loads(path.read_text("utf-8"))


def _newest(subject: str, held: Sequence[Locked]) -> Pinned:
    topic, _, record = subject.rpartition("-")
    doc: str = json.loads(held[-1].text).get("doc", "")
    return Pinned(subject, topic, record, held[-1].version, held[-1].schema_id, doc)
