"""The name that a new broker's cluster gets."""

import uuid

import pytest

from penstock.cli.local.broker import new_cluster_id


def test_a_cluster_id_that_would_be_read_as_an_option_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [uuid.UUID(bytes=bytes([first, *range(15)])) for first in (0xF8, 0xFB, 0x10)]
    monkeypatch.setattr(uuid, "uuid4", lambda: made.pop(0))
    assert new_cluster_id() == "EAABAgMEBQYHCAkKCwwNDg"
    assert made == []
