"""A schema registry of each test's own."""

from collections.abc import Iterator
from typing import ClassVar

import pytest
from tests.schemas.small_registry import Answer, Registry, serving


@pytest.fixture
def registry() -> type[Registry]:
    class Fresh(Registry):
        texts: ClassVar[list[str]] = []
        subjects: ClassVar[dict[str, list[int]]] = {}
        requests: ClassVar[list[str]] = []
        answers: ClassVar[list[Answer]] = []

    return Fresh


@pytest.fixture
def url(registry: type[Registry]) -> Iterator[str]:
    with serving(registry) as found:
        yield found
