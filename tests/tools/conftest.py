"""What tests of limits over processes need."""

from collections.abc import Iterator

import pytest

from .target import Target


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.stop()
