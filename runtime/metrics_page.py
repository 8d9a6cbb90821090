"""Writes the tables of docs/metrics.md, from the catalogue: `python -m penstock.runtime.metrics_page docs/metrics.md`.

A test compares them, so that the page says what the processes count.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from penstock.runtime.metric_names import ATTRIBUTES, CATALOGUE

BEGIN: Final = "<!-- made by penstock.runtime.metrics_page -->\n"
END: Final = "<!-- made until here -->\n"


def renewed(page: str) -> str:
    """The page with today's tables. Raises ValueError if it has no place for them."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page lacks the lines {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + "".join(f"{line}\n" for line in _lines()) + END + after


def _lines() -> Iterator[str]:
    yield from ("", "| metric | kind | unit | attributes | says |", "|---|---|---|---|---|")
    for metric in CATALOGUE:
        attributes = ", ".join(f"`{name}`" for name in metric.attributes) or "none"
        kind = {"updown": "up and down"}.get(metric.kind, metric.kind)
        yield f"| `{metric.name}` | {kind} | {metric.unit} | {attributes} | {metric.description} |"
    yield from ("", "| attribute | is |", "|---|---|")
    for name, description in ATTRIBUTES.items():
        yield f"| `{name}` | {description} |"
    yield ""


if __name__ == "__main__":
    written = Path(sys.argv[1])
    written.write_text(renewed(written.read_text()))
