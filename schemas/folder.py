"""A folder of .avsc files that somebody would put in the place of those here: may they follow what is pinned?

Reads `<folder>/**/*.avsc`, one named type a file; they refer by full name to each other and to this package's types.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from penstock.schemas import avro
from penstock.schemas.avro import Schema, full_name
from penstock.schemas.compatibility import conflicts, faults
from penstock.schemas.registry import Lock


class NotSchemas(ValueError):
    """The folder has no .avsc file, or one that isn't the JSON of a named type: the message names it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A record of the folder: the subjects that pin it (none: it is new), and why it can't follow, if it can't."""

    record: str
    subjects: tuple[str, ...]
    problems: tuple[str, ...]


def read_folder(folder: Path) -> dict[str, Schema]:
    """The types in the folder, by full name. Raises NotSchemas."""
    found: dict[str, Schema] = {}
    for path in sorted(folder.rglob("*.avsc")):
        try:
            schema = json.loads(path.read_text("utf-8"))
            found[full_name(schema)] = schema
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotSchemas(
                f"{path} isn't the schema of a named type ({type(error).__name__} {error})"
            ) from error
    if not found:
        raise NotSchemas(f"{folder} has no .avsc file")
    return found


def judge(schemas: Mapping[str, Schema], lock: Lock) -> Iterator[Judged]:
    """What is to be said of each record among these types, and of each pinned one that is made of them."""
    known = {**avro.declared(), **schemas}
    pinned: dict[str, list[str]] = {}
    for subject in lock.subjects:
        pinned.setdefault(subject.rpartition("-")[2], []).append(subject)
    own = {name for name, schema in schemas.items() if name in pinned or _stands(schema)}
    parts = schemas.keys() - own
    made_of_them = {name for name in pinned if name in known and parts & _uses(known[name], known)}
    for record in sorted(own | made_of_them):
        yield _judged(record, known, tuple(pinned.get(record, ())), lock)


def _stands(schema: Schema) -> bool:
    """Whether it stands on the log by itself; what can't be told is judged, and says why."""
    try:
        return schema["type"] == "record" and avro.kind(schema) != "part"
    except (KeyError, TypeError):
        return True


def _judged(record: str, known: Mapping[str, Schema], subjects: tuple[str, ...], lock: Lock) -> Judged:
    try:
        schema = avro.inlined(record, known)
        problems = [*faults(schema)]
        for subject in subjects if not problems else ():
            older = [(one.version, json.loads(one.text)) for one in lock.subjects[subject]]
            problems += [why for why in conflicts(schema, older) if why not in problems]
    except (KeyError, TypeError, AttributeError) as error:
        problems = [f"it isn't Avro as we use it ({type(error).__name__} {error})"]
    return Judged(record, subjects, tuple(problems))


def _uses(schema: Schema, known: Mapping[str, Schema]) -> frozenset[str]:
    """Full names of all types that a type is made of."""
    words: set[str] = set()
    waiting = [json.dumps(schema)]
    while waiting:
        text = waiting.pop()
        for name in known.keys() - words:
            if f'"{name}"' in text:
                words.add(name)
                waiting.append(json.dumps(known[name]))
    return frozenset(words)
