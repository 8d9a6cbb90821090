"""Every metric that the code counts is in the catalogue, is counted somewhere, and stands on the page."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.runtime import metric_names
from penstock.runtime.metric_names import ATTRIBUTES, CATALOGUE
from penstock.runtime.metrics_page import renewed

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("producers", "runtime", "api", "streams", "audit", "cli")


def modules() -> Iterator[tuple[str, ast.Module]]:
    for layer in LAYERS:
        for path in (ROOT / layer).rglob("*.py"):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def constants() -> set[str]:
    return {name for name, value in vars(metric_names).items() if isinstance(value, metric_names.Metric)}


def test_the_page_says_what_the_catalogue_says() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert renewed(page) == page, "type: .venv/bin/python -m penstock.runtime.metrics_page docs/metrics.md"


def test_a_page_without_a_place_for_the_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        renewed("# Metrics")


def test_each_name_stands_once_and_each_attribute_is_explained() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE) == len(constants())
    used = {attribute for metric in CATALOGUE for attribute in metric.attributes}
    assert used == set(ATTRIBUTES)
    assert all(list(metric.bounds) == sorted(metric.bounds) for metric in CATALOGUE)
    assert all(bool(metric.bounds) == (metric.kind == "histogram") for metric in CATALOGUE)


def test_metrics_are_made_in_the_catalogue_only() -> None:
    """So that whoever counts something new must name it there, where the page and its readers find it."""
    made = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        if path != "runtime/metric_names.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == "Metric")
            or (
                isinstance(node.func, ast.Attribute)
                and node.func.attr
                in ("create_counter", "create_histogram", "create_up_down_counter", "create_gauge")
            )
        )
    ]
    assert made == []


def test_every_metric_of_the_catalogue_is_counted_somewhere() -> None:
    spoken: set[str] = set()
    for _, tree in modules():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "names"
            ):
                spoken.add(node.attr)
            elif isinstance(node, ast.ImportFrom) and node.module == "penstock.runtime.metric_names":
                spoken |= {alias.name for alias in node.names}
    assert constants() - spoken == set()
