"""The run decider: workflows, calls, approvals, timers and ends, as pure functions of a run's history."""
