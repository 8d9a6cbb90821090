"""Fires timers.

Reads: penstock.run.events. Writes: FireTimer into penstock.run.inbox, dead letters of what it reads.
Key: the run id. State: armed timers, a fold of the events, kept in penstock.timer.
Guarantees: an armed timer fires until TimerFired, or its run's end, is on the log; due by log time (law L6).
"""
