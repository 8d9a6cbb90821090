"""FastAPI works out what each route takes once for a whole session of tests.

It does so for every application that is made, which is a tenth of a second, and here a thousand of them are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, get_args

import pytest
from fastapi import routing
from fastapi.dependencies import utils
from fastapi.dependencies.models import Dependant
from fastapi.params import Depends
from fastapi.utils import create_model_field as create


@contextmanager
def analysed_once() -> Iterator[None]:
    """While it lasts, a function of the same code at the same path takes what the first one took."""
    made: dict[tuple[object, str, str | None], Dependant] = {}
    analyse = utils.get_dependant

    def get_dependant(
        *, path: str, call: Callable[..., Any], name: str | None = None, **words: Any
    ) -> Dependant:
        key = (getattr(call, "__code__", type(call)), path, name)
        known = made.get(key)
        if known is None:
            found = analyse(path=path, call=call, name=name, **words)
            # To what a route gets, those of its router are added.
            made[key] = replace(found, dependencies=list(found.dependencies))
            return found
        # What it depends on is an object of its own application's.
        asked = zip(_depends(call), known.dependencies, strict=True)
        own = [get_dependant(path=path, call=dependency, name=each.name) for dependency, each in asked]
        return replace(known, call=call, dependencies=own)

    fields: dict[str, object] = {}

    def create_model_field(**words: Any) -> object:
        # Of what a route answers with: classes print as their full names.
        key = repr(words)
        if key not in fields:
            fields[key] = create(**words)
        return fields[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routing, "create_model_field", create_model_field)
        for module in (utils, routing):
            patch.setattr(module, "get_dependant", get_dependant)
        yield


def _depends(call: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    function = call if hasattr(call, "__code__") else type(call).__call__
    for annotation in function.__annotations__.values():
        for word in get_args(annotation)[1:]:
            if isinstance(word, Depends):
                assert word.dependency
                yield word.dependency
