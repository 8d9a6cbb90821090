"""The blueprint: a consumer disputes an electronic transfer, and a person decides on a cited recommendation.

Reads a case and the dispute policy, drafts, waits for the right person's grant, updates the case, writes to
the consumer. `app.application` is what a worker loads; `seed.seed` fills the database that its tools use.
"""
