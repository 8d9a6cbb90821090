"""Fires schedules, and has the runs that they fire started.

Reads: penstock.schedule.events. Writes: FireSchedule and ReportRunRequested into penstock.schedule.inbox, StartRun into
penstock.run.inbox, dead letters of what it reads. Key: the schedule's id.
State: due times and runs to be started, a fold of the events, kept in penstock.due_schedule and penstock.fired_run.
Guarantees: a due time is fired until the log says what came of it, due by log time (law L6); a run that was fired is
asked for until that stands in the runs' inbox, always under one id.
"""
