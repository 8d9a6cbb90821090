"""The HTTP door: case reviews, runs, approvals, calls in doubt, health.

Reads the views; writes penstock.run.inbox, signed as the API. It decides nothing: what it takes in, the run's
decider accepts or refuses by an event.
"""

if not __name__.startswith("penstock."):
    raise ImportError("import penstock.api")
