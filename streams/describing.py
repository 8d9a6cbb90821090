"""Errors of other people's code in words that fit into a record, whatever their `__str__` does."""


def message_of(error: BaseException, characters_max: int) -> str:
    """What the error says, cut."""
    try:
        return str(error)[:characters_max]
    except Exception as other:  # noqa: BLE001 an error that can't say what it is, is one all the same
        return f"it has no message: its __str__ raised {type(other).__name__}"


def described(error: BaseException, characters_max: int) -> str:
    """The error's type and what it says, cut."""
    return f"{type(error).__name__}: {message_of(error, characters_max)}"[:characters_max]
