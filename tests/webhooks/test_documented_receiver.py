"""The receiver that docs/webhooks.md shows, as it stands there."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from penstock.runtime.webhook_secrets import new_secret, signature

PAGE = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"
BODY = b'{"type":"approval.requested"}'


def headers(secrets: list[str], name: str = "one", body: bytes = BODY, late_s: int = 0) -> dict[str, str]:
    at_s = int(time.time()) - late_s
    signed = signature(secrets, name, at_s, body)
    return {"webhook-id": name, "webhook-timestamp": str(at_s), "webhook-signature": signed}


def test_it_takes_each_once_and_nothing_of_strangers() -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    known: dict[str, Any] = {}
    exec(found[1], known)
    accept = known["accept"]
    mine, old = new_secret(), new_secret()
    assert accept(mine, headers([mine]), BODY) is True
    assert accept(mine, headers([mine]), BODY) is False
    assert accept(old, headers([mine, old], "two"), BODY) is True
    for wrong, body in (
        (headers([old], "three"), BODY),
        (headers([mine], "three"), BODY + b" "),
        (headers([mine], "three") | {"webhook-id": "four"}, BODY),
        (headers([mine], "three", late_s=301), BODY),
    ):
        with pytest.raises(ValueError, match=r"Penstock's|too old"):
            accept(mine, wrong, body)
