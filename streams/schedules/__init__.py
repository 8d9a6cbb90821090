"""The schedule decider: plans, due times, catching up and triggers, as pure functions of a schedule's history.

Reads: penstock.schedule.inbox. Writes: penstock.schedule.events. Key: the schedule's id.
State: a schedule, folded from its events.
Guarantees: each nominal time fires once or is missed, and says which; due by log time, never by a clock.
"""
