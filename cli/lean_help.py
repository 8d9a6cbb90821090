"""Typer's help without what only Markdown and pretty tracebacks need, which is half of the time of its import."""

import importlib
import sys
from types import ModuleType
from typing import Final

_HELP: Final = "typer.rich_utils"
# Heavy modules that it imports for one class each. Neither is made use of: our help has no Markdown, and our errors
# no pretty tracebacks.
_UNUSED: Final = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}


def import_help() -> None:
    """Import it, unless somebody has. Who imports the heavy modules later gets the true ones."""
    if _HELP in sys.modules:
        return
    absent = {name: of for name, of in _UNUSED.items() if name not in sys.modules}
    for name, of in absent.items():
        stand_in = ModuleType(name)
        setattr(stand_in, of, type(of, (), {}))
        sys.modules[name] = stand_in
    try:
        importlib.import_module(_HELP)
    finally:
        for name in absent:
            del sys.modules[name]
