"""What can be wrong around a process. All are SetupError: a person mends them, and the message says how."""


class SetupError(Exception):
    """Something outside the program isn't as it must be: do what the message says, then start again."""


class NotConfigured(SetupError):
    """A process doesn't know an address that it needs: export the variable that the message names."""


class DatabaseAway(SetupError):
    """Postgres doesn't answer at the configured address: start it, or correct DATABASE_URL."""


class MigrationChanged(SetupError):
    """A migration was edited after a database had applied it: put the file back and add a new one instead."""
