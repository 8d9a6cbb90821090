"""One module a view: `project(row, meta, body)` gives the columns that an event changes, and touches nothing.

A row is folded from its run's events in the order of entity_seq; a row that doesn't exist yet is empty. Text has
no NUL, which Postgres couldn't hold: what has one doesn't decode (schemas.codec).
"""
