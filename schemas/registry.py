"""Which id stands for which schema: pinned in `registry.lock`, checked in beside this module.

`python -m penstock.schemas.registry --lock` gives each new or changed .avsc the next version of its subject,
and refuses what isn't compatible with every version before. Nothing in the lock is ever changed or removed:
records on the log name these ids for good. Subjects are `<topic>-<record>` (TopicRecordNameStrategy).
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from penstock.schemas.avro import FOLDER, Schema, schema_text, self_contained, standalone
from penstock.schemas.compatibility import Incompatible, conflicts, faults
from penstock.schemas.topics import subject, topics_of

LOCK: Final = FOLDER / "registry.lock"


class SchemaIds(Protocol):
    """Ids for schemas and schemas for ids, of one registry: PinnedSchemas here, or confluent.LiveSchemas."""

    def id_of(self, record: str) -> int:
        """Id of today's schema of a record, by full name. KeyError if the record has none."""
        ...

    def schema_of(self, schema_id: int) -> Schema | None:
        """The schema that an id stands for, self-contained; None if it is none of an Avro schema."""
        ...


@dataclass(frozen=True, slots=True)
class Locked:
    """One version of a subject as the lock keeps it."""

    version: int
    schema_id: int
    text: str


class Lock:
    """The content of a registry.lock: subject -> versions, oldest first."""

    def __init__(self, subjects: Mapping[str, Sequence[Locked]]) -> None:
        self.subjects: dict[str, tuple[Locked, ...]] = {name: tuple(subjects[name]) for name in subjects}

    @classmethod
    def read(cls, path: Path = LOCK) -> "Lock":
        """The lock at that path; empty if there is none yet."""
        found = json.loads(path.read_text("utf-8")) if path.exists() else {}
        return cls(
            {
                name: [Locked(int(number), kept["id"], kept["schema"]) for number, kept in versions.items()]
                for name, versions in found.items()
            }
        )

    def text(self) -> str:
        """The lock as it stands in its file."""
        found = {
            name: {str(one.version): {"id": one.schema_id, "schema": one.text} for one in versions}
            for name, versions in sorted(self.subjects.items())
        }
        return json.dumps(found, indent=1, ensure_ascii=False) + "\n"

    def missing(self) -> Iterator[tuple[str, str]]:
        """(subject, schema text) of each .avsc whose present form isn't the subject's newest version."""
        for record in standalone():
            text = schema_text(record)
            for topic in topics_of(record):
                name = subject(topic.name, record)
                versions = self.subjects.get(name, ())
                if not versions or versions[-1].text != text:
                    yield name, text

    def conflicts(self) -> Iterator[str]:
        """Why today's .avsc may not follow what is locked: a sentence each, beginning with the subject."""
        expected = {subject(topic.name, record) for record in standalone() for topic in topics_of(record)}
        for name in sorted(self.subjects.keys() - expected):
            yield f"{name}: its .avsc or its place in the catalogue is gone, but its records stay on logs"
        for record in standalone():
            schema = self_contained(record)
            for topic in topics_of(record):
                name = subject(topic.name, record)
                older = [(one.version, json.loads(one.text)) for one in self.subjects.get(name, ())]
                # Resolution takes for granted that a schema is well formed, not recursive above all.
                for why in faults(schema) or conflicts(schema, older):
                    yield f"{name}: {why}"

    def extended(self) -> "Lock":
        """The lock with what is missing; a text that stood in it before keeps its id, as in a registry.

        Raises Incompatible.
        """
        if found := list(self.conflicts()):
            raise Incompatible("\n".join(found))
        subjects = dict(self.subjects)
        ids = {one.text: one.schema_id for versions in subjects.values() for one in versions}
        for name, text in self.missing():
            known = subjects.get(name, ())
            schema_id = ids.setdefault(text, max(ids.values(), default=0) + 1)
            subjects[name] = (*known, Locked(len(known) + 1, schema_id, text))
        return Lock(subjects)


class PinnedSchemas:
    """SchemaIds out of a lock: needs no registry, and never changes while the process runs."""

    def __init__(self, lock: Lock) -> None:
        self._texts = {one.schema_id: one.text for versions in lock.subjects.values() for one in versions}
        self._ids = {name.rpartition("-")[2]: held[-1].schema_id for name, held in lock.subjects.items()}

    def id_of(self, record: str) -> int:
        """Id of the newest locked schema of a record. KeyError if the lock has none: run --lock."""
        return self._ids[record]

    def schema_of(self, schema_id: int) -> Schema | None:
        """The schema that an id stands for, or None."""
        text = self._texts.get(schema_id)
        return None if text is None else json.loads(text)


@cache
def pinned() -> PinnedSchemas:
    """The ids of the lock that ships with this package."""
    return PinnedSchemas(Lock.read())


def main(arguments: Sequence[str]) -> int:
    """Tell what the lock lacks; with --lock add it. Returns the exit code."""
    lock = Lock.read(LOCK)
    refused = list(lock.conflicts())
    for why in refused:
        print(f"refused {why}")
    if refused:
        return 1
    missing = [name for name, _ in lock.missing()]
    if not missing:
        print("registry.lock is current")
        return 0
    for name in missing:
        print(f"{'locked' if '--lock' in arguments else 'not locked'} {name}")
    if "--lock" not in arguments:
        print("run python -m penstock.schemas.registry --lock and commit registry.lock")
        return 1
    LOCK.write_text(lock.extended().text(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
