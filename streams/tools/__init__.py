"""Calls tools.

Reads: penstock.run.events. Writes: answers into penstock.run.inbox, dead letters of what it reads.
Key: the run id. State: open calls (a fold of the events, kept in penstock.open_call) and the process's lease.
Guarantees: read and idempotent calls at least once, unsafe calls at most once, ever (law L7).
"""
