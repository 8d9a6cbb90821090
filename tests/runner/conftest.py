import pytest

from penstock.streams.memory_journal import MemoryJournal

from .tally import World


@pytest.fixture
def world() -> World:
    return World(MemoryJournal())
