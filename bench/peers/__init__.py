"""`peers`: the same case review on Penstock, DBOS and Restate, interleaved in one run on one machine.

Three no-op steps, a person's approval, two steps, payloads of 1 to 2 KiB, durable as each is by default, started
through each one's client. Also 200 in flight and SIGKILL: how many side effects were there twice. docs/peers.md
says how each is run. The last pair of the last line, `ratio`, is ours by the best peer's runs a second.
"""

from bench.peers.comparing import add_arguments, measure

__all__ = ["add_arguments", "measure"]
