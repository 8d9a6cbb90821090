"""The run decider: workflows, calls, approvals, timers and ends, as pure functions of a run's history.

It reads penstock.run.inbox and writes penstock.run.events; the key of both is the run's id. Its state is the
fold of one run's events (state.py), and nothing else. It guarantees: the same history and input give the same
events; an unsafe call starts at most once an attempt, under a grant that covers it; every input gets an event;
no run ends while a started unsafe call is unsettled.

decision.py has the table of inputs; lifecycle, migrating, pausing, signals, starts, answers, votes, handing and timers
decide them; driving, replay, loop, waiting, requesting and ending run the workflow, and live keeps it between
decisions; policy says what is allowed, voters who may vote; the fold_ modules fold into state, parts, questions and
versions.
"""
