"""Frozen dataclasses that are made as quickly as mutable ones.

A frozen dataclass sets each field through `object.__setattr__`, which makes a record of eight fields cost three
to five times as much as a mutable one; an event is made of five such records. `quick` gives the class another
constructor: fields are assigned on a twin without guards, with the same slots, which then becomes the class.
What is made is as frozen as before.
"""

from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

T = TypeVar("T")


def quick(cls: type[T]) -> type[T]:
    """Put it above `@dataclass(frozen=True, slots=True)`. Subclasses of the class must not add slots.

    Raises TypeError for a class that isn't such a dataclass, or that has a __post_init__.
    """
    params = getattr(cls, "__dataclass_params__", None)
    if params is None or not params.frozen or "__slots__" not in vars(cls) or hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__} is no frozen dataclass with slots, or has a __post_init__")
    made = [field for field in fields(cls) if field.init]  # type: ignore[arg-type]
    names = [field.name for field in made]
    twin = type(f"_{cls.__name__}", (), {"__slots__": tuple(vars(cls)["__slots__"])})
    known: dict[str, Any] = {"twin": twin, "blank": twin.__new__}
    words = ["cls", *(_parameter(field, known) for field in made if not field.kw_only)]
    if any(field.kw_only for field in made):
        words += ["*", *(_parameter(field, known) for field in made if field.kw_only)]
    body = [f"made.{field.name} = {_value(field)}" for field in made]
    lines = [
        f"def __new__({', '.join(words)}):",
        "made = blank(twin)",
        *body,
        "made.__class__ = cls",
        "return made",
    ]
    exec("\n    ".join(lines), known)
    cls.__new__ = known["__new__"]  # type: ignore[method-assign]
    del cls.__init__
    # Copies and pickles are made from the fields, since making one without them is an error now.
    cls.__reduce__ = lambda self: (_again, (cls, {name: getattr(self, name) for name in names}))  # type: ignore[method-assign]
    return cls


def _again(cls: type[T], values: dict[str, Any]) -> T:
    return cls(**values)


def _parameter(field: "Field[Any]", known: dict[str, Any]) -> str:
    default = f"_default_{field.name}"
    if field.default is not MISSING:
        known[default] = field.default
    elif field.default_factory is not MISSING:
        known[default], known[f"_make_{field.name}"] = MISSING, field.default_factory
        known["MISSING"] = MISSING
    else:
        return field.name
    return f"{field.name}={default}"


def _value(field: "Field[Any]") -> str:
    if field.default_factory is MISSING:
        return field.name
    return f"_make_{field.name}() if {field.name} is MISSING else {field.name}"
