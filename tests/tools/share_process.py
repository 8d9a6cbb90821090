"""A worker's lanes and shares in a process of their own: calls that stay in the target for a while, for ever.

Arguments: the database, the target's port, the limit, milliseconds a call, and "here" or "elsewhere": whether others
can see that it has ended.
The target is the test: each call is one connection to it, so that the target counts for itself who is there.
"""

import itertools
import socket
import sys
import threading
import time
from datetime import timedelta
from functools import partial

from penstock.declare.call import Call
from penstock.declare.limits import Rate
from penstock.declare.tools import tool
from penstock.runtime.passport import passport
from penstock.streams.alarms import Alarms
from penstock.streams.background import Background
from penstock.streams.tools.lanes import Lanes, Slot, Wish
from penstock.streams.tools.shares import Shares, boot_s
from penstock.streams.transactions import Transactions

WAITING = 40
KEYS = "abc"


def main(database_url: str, port: str, limit: str, call_ms: str, where: str) -> None:
    """Keep WAITING calls waiting, so that this process always wants the whole limit."""
    background = Background()
    transactions = Transactions(database_url, "shares", background.stopping)
    shares = Shares(transactions, background, boot_s, passport if where == "here" else lambda: "")
    lanes = Lanes(Alarms(background), shares.clock_s, shares.short)
    shares.serve(lanes)
    kind, count = limit.split("=")
    rate = Rate(int(count), timedelta(seconds=1)) if kind == "rate" else None
    keyed = kind == "key"

    @tool(
        effect="read",
        scope="global",
        concurrency=int(count) if kind == "concurrency" else 1_000,
        concurrency_key="key" if keyed else None,
        concurrency_per_key=int(count) if keyed else 1,
        rate=rate,
        timeout=timedelta(milliseconds=max(200, 3 * int(call_ms))),
    )
    def there(call: Call, *, key: str) -> None: ...

    lanes.open("there", there.limits)
    shares.share(there)

    def ask(key: str) -> None:
        def granted(slot: Slot) -> None:
            threading.Thread(target=partial(run, key, slot), daemon=True).start()

        Wish(lanes, "there", granted, key=key if keyed else None).ask()

    def run(key: str, slot: Slot) -> None:
        if slot.begin():
            began_s = time.monotonic()
            with socket.create_connection(("127.0.0.1", int(port))) as connection:
                connection.sendall(f"{key} {began_s}".encode())
                time.sleep(int(call_ms) / 1000)
        slot.release()
        ask(key)

    for _, key in zip(range(WAITING), itertools.cycle(KEYS), strict=False):
        ask(key)
    while True:
        time.sleep(0.1)
        background.check()


if __name__ == "__main__":
    main(*sys.argv[1:])
