"""An Idempotency-Key stands for one request: with other words it is a conflict, not another request.

The id of what is said with a key begins with what key, caller and verb give, and ends with what the words give: so
whoever sees another id of the same beginning knows that the key came with other words. The views say it of what has
come of anything, this process of the latest that it said itself.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from penstock.api.problems import Problem
from penstock.schemas.ids import derived_id

REMEMBERED_MAX: Final = 10_000
# Of a UUID: three of its five groups, 60 bits of hash.
KEY_CHARACTERS: Final = 18
_UNAVAILABLE: Final = 503


def repeatable_id(entity_id: str, subject: str, key: str, verb: str, *words: object) -> str:
    """The id of an input of this entity: same subject, key and words make the same."""
    own = derived_id(entity_id, "\x1f".join(("api", subject, key, verb)))
    whole = derived_id(entity_id, "\x1f".join(map(str, ("api", subject, key, verb, *words))))
    return own[:KEY_CHARACTERS] + whole[KEY_CHARACTERS:]


def key_part(input_id: str) -> str:
    """What all inputs of one key begin with."""
    return input_id[:KEY_CHARACTERS]


def check_same(before: str, input_id: str) -> None:
    """Raises a 409 problem if what was said before under this key is something else."""
    if before != input_id:
        detail = (
            "This Idempotency-Key came with other words, and nothing was said now: use a new key for new words, or "
            "send the same again."
        )
        raise conflict(detail, input_id=before)


def conflict(detail: str, **more: str) -> Problem:
    """For a key that stands for something else: `more` names it."""
    return Problem(409, "idempotency-conflict", "Idempotency-Key used before", detail, more=more)


class Repeats:
    """The latest inputs that this process has said, by entity and key. Thread-safe."""

    def __init__(self, remembered_max: int = REMEMBERED_MAX) -> None:
        self._remembered_max = remembered_max
        self._said: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def saying(self, entity_id: str, input_id: str) -> Iterator[None]:
        """While it is said. Raises a 409 problem if the key came with other words. What certainly wasn't taken is
        forgotten, so that the key is good for what is corrected."""
        about = entity_id, key_part(input_id)
        with self._lock:
            check_same(self._said.setdefault(about, input_id), input_id)
            while len(self._said) > self._remembered_max:
                self._said.popitem(last=False)
        try:
            yield
        except Problem as problem:
            if problem.status_code != _UNAVAILABLE:
                with self._lock:
                    self._said.pop(about, None)
            raise
