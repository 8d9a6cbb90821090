"""docs/strangers.md shows both tables as they are tested; run as a module, this writes them."""

from pathlib import Path

from tests.api.odd_requests import ODD
from tests.integration.strangers.case import COLUMNS, Case, Told
from tests.integration.strangers.table import CASES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "strangers.md"
HEAD = (
    "| a record | runs' inbox | schedules' inbox | run events: tools, timers, webhooks | schedule events: firing"
    " | events: views | operator actions | dead letters |\n"
)


def line(case: Case) -> str:
    told = [str(case.told(column)) for column in COLUMNS]
    kept = "kept as one" if case.dead is Told.LETTER else told[-1]
    return f"| {case.name} | {' | '.join([*told[:-1], kept])} |\n"


def records() -> str:
    return HEAD + "|---" * (1 + len(COLUMNS)) + "|\n" + "".join(map(line, CASES))


def requests() -> str:
    rows = (f"| {odd.name} | {', '.join(map(str, sorted(odd.answers)))} |\n" for odd in ODD)
    return "| a request | status |\n|---|---|\n" + "".join(rows)


def written(page: str) -> str:
    for name, table in (("records", records()), ("requests", requests())):
        before, begin, rest = page.partition(f"<!-- {name} -->\n")
        assert begin, f"there is no place for the {name}"
        _, end, after = rest.partition(f"<!-- end of {name} -->\n")
        page = before + begin + table + end + after
    return page


def test_the_page_shows_the_tables_as_they_are_tested() -> None:
    page = PAGE.read_text("utf-8")
    assert page == written(page)


def test_each_stranger_has_a_name_of_its_own() -> None:
    for each in (CASES, ODD):
        assert len({one.name for one in each}) == len(each)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
