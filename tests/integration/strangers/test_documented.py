"""docs/strangers.md shows the table as tested; `python -m tests.integration.strangers.test_documented` writes it."""

from pathlib import Path

from tests.integration.strangers.case import COLUMNS, Case, Told
from tests.integration.strangers.table import CASES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "strangers.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"
HEAD = "| a record | inbox | events: tools, timers | events: views | operator actions | dead letters |\n"


def line(case: Case) -> str:
    told = [str(getattr(case, column)) for column in COLUMNS]
    kept = "kept as one" if case.dead is Told.LETTER else told[-1]
    return f"| {case.name} | {' | '.join([*told[:-1], kept])} |\n"


def table() -> str:
    return HEAD + "|---|---|---|---|---|---|\n" + "".join(map(line, CASES))


def written(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


def test_the_page_shows_the_table_as_it_is_tested() -> None:
    page = PAGE.read_text("utf-8")
    assert page == written(page)


def test_each_hostile_record_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
