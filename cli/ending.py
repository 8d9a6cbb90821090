"""How a command ends: its exit code, and an expected failure in words for people or as JSON for programs.

Guarantees: what is raised around a command (settings, servers, keys, files) is one message on stderr and code 2, never
a traceback; with `--json` it is one object, and so is what was typed wrongly. What this terminal's encoding hasn't is
shown as `?`.
"""

import io
import json
import sys
from typing import Any, Final, NoReturn

from penstock.runtime.exits import SETUP

FAILED: Final = 1
INTERRUPTED: Final = 130
# A schema, a table or a column isn't there.
_NOT_OF_THIS_VERSION: Final = frozenset({"3F000", "42P01", "42703"})
JSON: Final = "--json"


def run_and_exit(app: Any) -> NoReturn:
    """Run the command that was typed."""
    as_json = JSON in sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        # Programs are told of what was typed wrongly as of everything else.
        sys.exit(app(standalone_mode=not as_json) or 0)
    except SystemExit:
        raise  # Before the next but one is asked, which imports half of everything.
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except expected() as error:
        _complain(told_of(error), SETUP, as_json)
    except Exception as error:
        words, code = getattr(error, "format_message", None), getattr(error, "exit_code", FAILED)
        if type(error).__name__ == "Abort":
            _complain("nothing was answered, so nothing was done: `--yes` answers", FAILED, as_json)
        if words is None:
            raise
        _complain(str(words()), code, as_json)


def expected() -> tuple[type[Exception], ...]:
    """What a command may raise for its user to read. Imported when something was raised."""
    from penstock.declare.errors import DeclarationError
    from penstock.producers.errors import LogError, SigningError
    from penstock.runtime.errors import SetupError
    from penstock.runtime.postgres import DatabaseError

    return SetupError, LogError, SigningError, DeclarationError, DatabaseError, OSError


def told_of(error: Exception) -> str:
    """The failure, and what to do next."""
    from penstock.runtime.postgres import DatabaseError

    said = " ".join(str(error).split())
    if isinstance(error, DatabaseError):
        if error.sqlstate in _NOT_OF_THIS_VERSION:
            return f"the database isn't of this version ({said}): type `penstock migrate`"
        return (
            f"Postgres broke off or refused ({said}): `penstock doctor` says what is wrong and what to type"
        )
    if isinstance(error, OSError):
        return f"this can't be read or written ({said}): correct the path, or its owner and mode"
    return str(error)


def _complain(message: str, code: int, as_json: bool) -> NoReturn:
    if as_json:
        print(json.dumps({"error": message, "exit_code": code}), file=sys.stderr)
    else:
        from penstock.cli.screen import complain

        complain(message)
    sys.exit(code)
