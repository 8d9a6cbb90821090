"""`python -m bench.waiting [--calls N] [--argument-bytes N]`: memory of calls that wait for a slow tool.

As the tools worker has them: decoded from the log's bytes, folded, queued in a lane of one slot. No broker, no
database. The figure is what the process's resident memory grew by, divided by the calls.
"""

import argparse
import gc
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Final

from bench.calls import Path
from bench.figures import Figures
from penstock.declare.call import Call
from penstock.declare.tools import tool
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, Cause, EventMeta
from penstock.schemas.ids import derived_id, run_id
from penstock.schemas.run.records import ToolCallRequested
from penstock.streams.open_work import Seen

_BATCH: Final = 1_000
_CODEC: Final = pinned_codec()
_goes_on: Final = threading.Event()


@tool(effect="read", owner="bench", concurrency=1)
def slow(call: Call, *, case_id: str) -> None:
    """As long as this process."""
    _goes_on.wait()


def main(words: list[str] | None = None) -> int:
    """Feed the calls, and say what they hold."""
    parser = argparse.ArgumentParser(prog="bench.waiting", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="how many wait (default 100000)")
    parser.add_argument("--argument-bytes", type=int, default=1_000, help="of each (default 1000)")
    arguments = parser.parse_args(words)
    path = Path((slow,), _CODEC)
    path.feed(list(_requests(0, _BATCH, arguments.argument_bytes)))
    gc.collect()
    before = _resident_bytes()
    for first in range(_BATCH, _BATCH + arguments.calls, _BATCH):
        path.feed(list(_requests(first, _BATCH, arguments.argument_bytes)))
    gc.collect()
    grown = _resident_bytes() - before
    line = {
        "calls": arguments.calls,
        "argument_bytes": arguments.argument_bytes,
        "mb": grown / 1e6,
        "bytes_a_call": grown / arguments.calls,
    }
    print(Figures("waiting", line).text(), flush=True)
    # The slow tool never comes back, and nobody waits for it.
    os._exit(0)


def _requests(first: int, count: int, argument_bytes: int) -> Iterator[Seen]:
    for number in range(first, first + count):
        run = run_id("bench", str(number))
        body = ToolCallRequested(
            call_id=derived_id(run, "call:1"),
            step=1,
            attempt=1,
            tool=slow.name,
            tool_version=slow.version,
            effect=slow.effect,
            arguments=json_payload({"case_id": f"{number}".rjust(argument_bytes, "x")}),
            timeout_ms=slow.timeout_ms,
        )
        meta = EventMeta(
            id=run,
            type="ToolCallRequested",
            tenant="bench",
            entity_id=run,
            entity_seq=1,
            time_ms=0,
            actor=Actor(kind="app", subject="bench"),
            cause=Cause(id=run, topic="t", partition=0, offset=0, time_ms=0, index=0, count=1),
        )
        value = _CODEC.encode(meta, body)
        yield Seen(*_CODEC.decode_event(value), value)


def _resident_bytes() -> int:
    pages = FilePath("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
