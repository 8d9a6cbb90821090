"""The hash by which a run knows that its workflow's code is another one now.

It covers the sources of the workflow's module and of every module of the same project that it reaches
through names it imports. It only decides when a stalled run is tried again: replay itself compares what the
code asks for.
"""

import inspect
import sys
from collections.abc import Callable
from types import CodeType, ModuleType

from penstock.schemas.canonical import sha256_hex


def code_hash(function: Callable[..., object]) -> str:
    """Hash of a workflow's code, lower-case hex. The same sources give the same hash in every process."""
    parts = [function.__qualname__.encode(), *_constants(function.__code__)]
    home = sys.modules.get(function.__module__)
    if home is not None:
        parts += [_source(module) for module in _reached(home)]
    return sha256_hex(b"\0".join(parts))


def _constants(code: CodeType) -> list[bytes]:
    """The code itself: two functions of one module, or functions made in a shell, differ here only."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    plain = [repr(c).encode() for c in code.co_consts if not isinstance(c, CodeType | frozenset)]
    names = " ".join((*code.co_names, *code.co_varnames)).encode()
    return [code.co_code, names, *plain, *(part for each in inner for part in _constants(each))]


def _project(module_name: str) -> str:
    """What counts as the workflow's own project: its top package. Penstock's examples are projects too."""
    parts = module_name.split(".")
    return ".".join(parts[:2]) if parts[0] == "penstock" else parts[0]


def _reached(home: ModuleType) -> list[ModuleType]:
    project = _project(home.__name__)
    found = {home.__name__: home}
    left = [home]
    while left:
        for value in vars(left.pop()).values():
            name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            module = sys.modules.get(name) if isinstance(name, str) else None
            if module is not None and module.__name__ not in found and _project(module.__name__) == project:
                found[module.__name__] = module
                left.append(module)
    return [found[name] for name in sorted(found)]


def _source(module: ModuleType) -> bytes:
    try:
        return inspect.getsource(module).encode()
    except (OSError, TypeError):
        return module.__name__.encode()
