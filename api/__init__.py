if not __name__.startswith("penstock."):
    raise ImportError("import penstock.api")
