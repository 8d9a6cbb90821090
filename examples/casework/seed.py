"""Fill the database that the tools use: schema, policy and cases. Any number of times, with the same result.

`python -m penstock.examples.casework.seed [copies]` does it on the database of the settings.
"""

import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from penstock.examples.casework.database import Jsonb, Session
from penstock.examples.casework.facts import CaseFacts
from penstock.examples.casework.policy import load_policy
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings

_CASES: Final = Path(__file__).parent / "cases"
# Facts that are as they were stay untouched, and so does what updates made of a case.
_CASE: Final = """
    insert into casework.cases (case_id, facts, content_hash) values (%s, %s, %s)
    on conflict (case_id) do update set facts = excluded.facts, content_hash = excluded.content_hash
    where cases.content_hash <> excluded.content_hash
"""


@dataclass(frozen=True, slots=True)
class Seeded:
    """The ids of all cases that reviews may be started for, and the current version of the policy index."""

    case_ids: tuple[str, ...]
    index_version: str


@cache
def sample_cases() -> tuple[CaseFacts, ...]:
    """The thirty cases that ship with the example, by case id."""
    found = sorted(_CASES.glob("*.json"))
    return tuple(CaseFacts.model_validate_json(path.read_bytes()) for path in found)


def seed(database_url: str, *, copies: int = 1, policy: Path | None = None) -> Seeded:
    """Create the schema, make the policy current and load `copies` times the thirty cases, all or nothing.

    Case ids are C-1001 ... C-1030; those of copy n, from 2 on, end in -n. `policy` defaults to the folder
    that CASEWORK_POLICY names, and that to the manual. Raises PolicyMalformed, DatabaseAway.
    """
    if copies < 1:
        raise ValueError(f"copies is {copies}; ask for 1 or more")
    schema = files("penstock.examples.casework").joinpath("schema.sql").read_bytes()
    with connect(database_url, application_name="casework.seed") as connection, connection.transaction():
        # Two seeds at once would otherwise both find the schema missing.
        connection.execute("select pg_advisory_xact_lock(hashtextextended('casework.seed', 0))")
        connection.execute(schema)
        version = load_policy(connection, policy)
        return Seeded(_load_cases(connection, copies), version)


def _load_cases(connection: Session, copies: int) -> tuple[str, ...]:
    cases = [
        facts if copy == 1 else facts.model_copy(update={"case_id": f"{facts.case_id}-{copy}"})
        for copy in range(1, copies + 1)
        for facts in sample_cases()
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_CASE, [_row(facts) for facts in cases])
    return tuple(facts.case_id for facts in cases)


def _row(facts: CaseFacts) -> tuple[str, Jsonb, str]:
    form = facts.model_dump(mode="json", exclude={"case_id", "status"})
    content = hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()
    return facts.case_id, Jsonb(form), content


if __name__ == "__main__":
    done = seed(Settings.partial().database_url, copies=int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(f"{len(done.case_ids)} cases, policy {done.index_version}")
