"""The client that docs/streams.md shows, as it stands there."""

import re
from pathlib import Path
from typing import Any

import httpx

from tests.api.streams.conftest import Served
from tests.views.histories import case_review, new_run

PAGE = Path(__file__).resolve().parents[3] / "docs" / "streams.md"


def test_it_reads_a_run_to_its_end_and_goes_on_where_it_was(served: Served) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    known: dict[str, Any] = {}
    exec(found[1], known)
    run_id = new_run()
    served.api.tell(run_id, *case_review(run_id))
    url = f"http://127.0.0.1:{served.port}"
    path = f"/v1/runs/{run_id}/events"
    with httpx.Client(base_url=url, headers=served.api.as_("ana")) as client:
        whole = list(known["follow"](client, path))
        assert [(last_id, shown["seq"]) for last_id, _, shown in whole] == [
            (str(seq), seq) for seq in range(1, 17)
        ]
        assert [shown["seq"] for _, _, shown in known["follow"](client, path, "11")] == [12, 13, 14, 15, 16]
        assert list(known["follow"](client, path, "16")) == []
