"""Lists and maps of which every version stays as it was, though they share what they hold.

A run's state keeps thousands of steps and calls, and each event makes a new state of it: copying them would make
a long history cost the square of its length. Here a change takes constant time as long as it is made to the
newest version, which is what deciding does; an older one that is read or changed again (the decision after it was
thrown away) is copied first. A change that the watchdog interrupts half-way leaves every version as it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar, overload

T = TypeVar("T")
V = TypeVar("V")


class Appended(Sequence[T]):
    """A list to which only can be added. All versions share one list, of which each knows its own length."""

    __slots__ = ("_items", "_length")

    def __init__(self, items: Sequence[T] = ()) -> None:
        self._items = list(items)
        self._length = len(self._items)

    def adding(self, item: T) -> "Appended[T]":
        """This one with one more at its end."""
        made: Appended[T] = _new(Appended)
        items = self._items
        if len(items) != self._length:
            # Somebody has gone on from this version before: the two part here.
            items = items[: self._length]
        items.append(item)
        made._items = items
        made._length = self._length + 1
        return made

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return self._items[: self._length][at]
        if not -self._length <= at < self._length:
            raise IndexError(f"{at} of {self._length}")
        return self._items[at if at >= 0 else self._length + at]

    def __iter__(self) -> Iterator[T]:
        return iter(self._items[: self._length])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Appended) and self[:] == other[:]

    __hash__ = None  # type: ignore[assignment]  # it holds a list

    def __repr__(self) -> str:
        return f"Appended({self[:]!r})"


class Charted(Mapping[str, V]):
    """A map from ids. The newest version holds the table, each older one what it had otherwise, and who is next.

    A version that nobody holds any more is gone: none of them holds an older one.
    """

    __slots__ = ("_before", "_key", "_next", "_table")

    def __init__(self, table: Mapping[str, V] | None = None) -> None:
        self._table: dict[str, V] | None = dict(table or {})
        self._next: Charted[V] | None = None
        self._key = ""
        self._before: V | _Absent = _ABSENT

    def putting(self, key: str, value: V) -> "Charted[V]":
        """This one with that key changed, or added at its end."""
        table = self._table
        if table is None:
            table = self._apart()
        made: Charted[V] = _new(Charted)
        made._table, made._next = table, None
        self._key, self._before = key, table.get(key, _ABSENT)
        self._next = made
        self._table = None
        table[key] = value
        return made

    def get(self, key: str, default: V | None = None) -> V | None:  # type: ignore[override]
        """What is under the key."""
        table = self._table
        return (self._apart() if table is None else table).get(key, default)

    def __getitem__(self, key: str) -> V:
        return self._own()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._own()

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._own()))

    def __len__(self) -> int:
        return len(self._own())

    def values(self) -> tuple[V, ...]:  # type: ignore[override]
        """In the order in which their keys first came: a copy, which stays as it is."""
        return tuple(self._own().values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Charted) and dict(self._own()) == other._own()

    __hash__ = None  # type: ignore[assignment]  # it holds a dict

    def __repr__(self) -> str:
        return f"Charted({self._own()!r})"

    def _own(self) -> dict[str, V]:
        return self._apart() if self._table is None else self._table

    def _apart(self) -> dict[str, V]:
        """A table of its own for an older version: the newest one's, with every change since then undone."""
        way: list[Charted[V]] = [self]
        while way[-1]._table is None and (following := way[-1]._next) is not None:
            way.append(following)
        table = dict(way.pop()._table or {})
        for older in reversed(way):
            if isinstance(older._before, _Absent):
                table.pop(older._key, None)
            else:
                table[older._key] = older._before
        self._table, self._next = table, None
        return table


class _Absent:
    """Stands where a version had nothing under a key."""

    __slots__ = ()


_ABSENT: Final = _Absent()
_new = object.__new__
