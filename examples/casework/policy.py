"""The policy index: paragraphs in Postgres with full-text search, loaded as a whole and never half.

Reads pages (the manual beside this file, or the folder that CASEWORK_POLICY names), writes
casework.policy_*. One version is current; a search sees that version only.
"""

import os
from pathlib import Path
from typing import Final

from penstock.examples.casework.database import CONNECTION_WAIT_S, Pool, Session, class_row
from penstock.examples.casework.pages import content_version, read_pages
from penstock.examples.casework.recommendation import Hit

MANUAL: Final = Path(__file__).parent / "policy"
HITS_MAX: Final = 50

_PARAGRAPH: Final = """
    insert into casework.policy_paragraph
        (version, id, position, text, title, effective_date, section_version, lexemes)
    values (%(version)s, %(id)s, %(position)s, %(text)s, %(title)s, %(effective_date)s, %(section_version)s,
            setweight(to_tsvector('english', %(text)s), 'A')
            || setweight(to_tsvector('english', %(title)s), 'D'))
"""

_WORDS: Final = """
    insert into casework.policy_word (version, lexeme, weight)
    select version, lexeme, ln(1 + paragraphs / count(*)::real)
    from casework.policy_paragraph
    cross join lateral unnest(lexemes)
    cross join (select count(*) as paragraphs from casework.policy_paragraph
                where version = %(version)s) whole
    where version = %(version)s
    group by version, lexeme, paragraphs
"""

# Each line of the query is searched for by itself: a paragraph's rank is the sum of the weights of the line's
# words that it has, less where only its title has one, with a little off for length. Lines take turns,
# best first, so that each has its share of the k hits; a paragraph that several lines found comes once.
_SEARCH: Final = """
    with current as (select version from casework.policy_version where current),
    ranked as (
        select line.number, p.id, p.version, p.text, p.title, p.effective_date, p.position,
               sum(word.weight * case when p.lexemes @@ (quote_literal(asked.lexeme) || ':A')::tsquery
                                 then 1 else 0.7 end) / (1 + ln(1 + length(p.lexemes)) / 10) as rank
        from unnest(%(lines)s::text[]) with ordinality as line(words, number)
        cross join current
        cross join lateral unnest(to_tsvector('english', line.words)) as asked
        join casework.policy_word word on word.version = current.version and word.lexeme = asked.lexeme
        join casework.policy_paragraph p
            on p.version = current.version and p.lexemes @@ quote_literal(asked.lexeme)::tsquery
        group by line.number, p.id, p.version, p.text, p.title, p.effective_date, p.position
    ),
    placed as (
        select *, row_number() over (partition by number order by rank desc, position) as place from ranked
    ),
    once as (select distinct on (id) * from placed order by id, place, number)
    select id, text, title, effective_date, version as index_version, rank::float8 as rank
    from once order by place, number limit %(k)s
"""


def policy_folder() -> Path:
    """The folder that CASEWORK_POLICY names, else the manual that ships with the example."""
    return Path(os.environ.get("CASEWORK_POLICY") or MANUAL)


def load_policy(connection: Session, folder: Path | None = None) -> str:
    """Make the folder's pages the current policy, in one transaction, and return the index version.

    Content that is loaded already isn't loaded again. Raises PolicyMalformed before anything changes.
    """
    paragraphs = read_pages(folder or policy_folder())
    version = content_version(paragraphs)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('casework.policy', 0))")
        cursor.execute("update casework.policy_version set current = false where version <> %s", [version])
        cursor.execute(
            "insert into casework.policy_version (version, current) values (%s, true) on conflict do nothing",
            [version],
        )
        if cursor.rowcount == 0:
            cursor.execute("update casework.policy_version set current = true where version = %s", [version])
            return version
        cursor.executemany(
            _PARAGRAPH,
            [
                {
                    "version": version,
                    "id": paragraph.id,
                    "position": position,
                    "text": paragraph.text,
                    "title": paragraph.title,
                    "effective_date": paragraph.effective_date,
                    "section_version": paragraph.version,
                }
                for position, paragraph in enumerate(paragraphs)
            ],
        )
        cursor.execute(_WORDS, {"version": version})
    return version


class PolicyIndex:
    """Look-ups in the current version of the policy. Safe to share between threads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def search(self, query: str, k: int) -> tuple[Hit, ...]:
        """The k best paragraphs for a query of one or more lines, best first; nothing found is ().

        Every hit carries the index version that it comes from. `k` is 1 to 50.
        """
        if not 1 <= k <= HITS_MAX:
            raise ValueError(f"k is {k}; ask for 1 to {HITS_MAX} hits")
        lines = [line for line in query.splitlines() if line.strip()]
        with (
            self._pool.connection(CONNECTION_WAIT_S) as connection,
            connection.cursor(row_factory=class_row(Hit)) as cursor,
        ):
            return tuple(cursor.execute(_SEARCH, {"lines": lines, "k": k}))

    def current_version(self) -> str | None:
        """The version that searches see now; None before the first load."""
        with self._pool.connection(CONNECTION_WAIT_S) as connection:
            row = connection.execute("select version from casework.policy_version where current").fetchone()
        return None if row is None else str(row[0])
