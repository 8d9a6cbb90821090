"""How `penstock dlq redrive|discard` by filter ends: a count of what came of each, and whether all took it."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from typer.testing import CliRunner

from penstock.cli import dead_letters
from penstock.cli.main import app


@pytest.mark.parametrize(
    ("outcomes", "code", "count"),
    [
        (("redriven", "redriven"), 0, "2 redriven"),
        (("redriven", "refused", "redriven"), 1, "2 redriven, 1 refused"),
        ((), 0, "nothing matches"),
    ],
)
def test_it_ends_with_a_count_and_with_one_if_any_was_refused(
    outcomes: tuple[str, ...], code: int, count: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def each(*_: object) -> Iterator[dict[str, Any]]:
        yield from ({"id": str(n), "outcome": outcome} for n, outcome in enumerate(outcomes))

    monkeypatch.setenv("DATABASE_URL", "postgresql://unused")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "unused:9092")
    monkeypatch.setattr(dead_letters, "acting", lambda *_: nullcontext())
    monkeypatch.setattr(dead_letters, "each", each)
    words = ["dlq", "redrive", "--error", "Undecodable", "--reason", "mended", "--yes"]
    ended = CliRunner().invoke(app, words)
    assert (ended.exit_code, ended.stdout.splitlines()[-1]) == (code, count)
    assert len(CliRunner().invoke(app, [*words, "--json"]).stdout.splitlines()) == len(outcomes)
