"""What happened: the views of the log in Postgres, the fold that they are checked against, the witnesses.

Reads the events topics and the dead letters; writes the schema `views` and nothing else.
"""

if not __name__.startswith("penstock."):
    raise ImportError("import penstock.audit")
