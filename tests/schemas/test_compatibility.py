"""FULL_TRANSITIVE: each kind of change that breaks a reader is refused in words, and the harmless are not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from penstock.schemas.avro import self_contained, standalone
from penstock.schemas.compatibility import conflicts, faults, unreadable

COLOUR = {
    "type": "enum",
    "name": "Colour",
    "namespace": "penstock.test",
    "doc": "A colour.",
    "symbols": ["unknown", "red"],
    "default": "unknown",
}
LEAF = {
    "type": "record",
    "name": "Leaf",
    "namespace": "penstock.test",
    "doc": "A leaf.",
    "fields": [{"name": "size", "type": "int", "doc": "Its size."}],
}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "doc": "A field.", **more}


def tree(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "Tree",
        "namespace": "penstock.test",
        "doc": "A tree.",
        "fields": list(fields),
        **more,
    }


OLD = tree(
    field("age", "int"),
    field("name", "string", default="oak"),
    field("colour", COLOUR, default="unknown"),
    field("leaf", LEAF),
    field("other", ["null", "penstock.test.Leaf"], default=None),
    field("tags", {"type": "array", "items": "string"}, default=[]),
)


def changed(change: Callable[[list[dict[str, Any]]], object]) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    change(new["fields"])
    return new


def without(fields: list[dict[str, Any]], name: str) -> None:
    fields[:] = [one for one in fields if one["name"] != name]


def retyped(fields: list[dict[str, Any]], name: str, kind: Any) -> None:
    next(one for one in fields if one["name"] == name)["type"] = kind


def renamed_leaf(fields: list[dict[str, Any]]) -> None:
    retyped(fields, "leaf", {**LEAF, "name": "Needle"})
    retyped(fields, "other", ["null", "penstock.test.Needle"])


GOOD: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "nothing": lambda fields: None,
    "another doc": lambda fields: fields[0].update(doc="In years."),
    "another default": lambda fields: fields[1].update(default="elm"),
    "a field added with a default": lambda fields: fields.append(field("height", "long", default=0)),
    "a nullable field added": lambda fields: fields.append(field("owner", ["null", "string"], default=None)),
    "a field with a default removed": lambda fields: without(fields, "name"),
    "fields in another order": lambda fields: fields.reverse(),
    "a symbol added": lambda fields: retyped(
        fields, "colour", {**COLOUR, "symbols": ["unknown", "red", "blue"]}
    ),
    "a symbol removed": lambda fields: retyped(fields, "colour", {**COLOUR, "symbols": ["unknown"]}),
    "a part's field added with a default": lambda fields: fields[3]["type"]["fields"].append(
        field("vein", "string", default="")
    ),
}

BAD: dict[str, tuple[Callable[[list[dict[str, Any]]], object], str]] = {
    "a field added without a default": (
        lambda fields: fields.append(field("height", "long")),
        "today's can't read version 1: height isn't written there, and has no default",
    ),
    "a field without a default removed": (
        lambda fields: without(fields, "age"),
        "version 1 can't read today's: age isn't written there, and has no default",
    ),
    "a default taken from a field that others lack": (
        lambda fields: fields.append(field("height", "long")),
        "has no default",
    ),
    "a type widened": (
        lambda fields: retyped(fields, "age", "long"),
        "version 1 can't read today's: age was written as long, and is read as int",
    ),
    "a type narrowed": (
        lambda fields: retyped(fields, "leaf", "string"),
        "leaf was written as penstock.test.Leaf, and is read as string",
    ),
    "text turned into bytes": (lambda fields: retyped(fields, "name", "bytes"), "name was written as"),
    "a field made nullable": (
        lambda fields: retyped(fields, "age", ["null", "int"]),
        "version 1 can't read today's: age was written as null, and is read as int",
    ),
    "a nullable field made required": (
        lambda fields: retyped(fields, "other", "penstock.test.Leaf"),
        "today's can't read version 1: other was written as null",
    ),
    "a union of another branch": (
        lambda fields: retyped(fields, "other", ["null", "string"]),
        "other",
    ),
    "a field renamed": (lambda fields: fields[0].update(name="years"), "years isn't written there"),
    "items of another type": (
        lambda fields: retyped(fields, "tags", {"type": "array", "items": "int"}),
        "tags[] was written as string, and is read as int",
    ),
    "a part renamed": (
        renamed_leaf,
        "leaf was written as penstock.test.Leaf, and is read as penstock.test.Needle",
    ),
    "an enum renamed": (
        lambda fields: retyped(fields, "colour", {**COLOUR, "name": "Tint"}),
        "colour was written as penstock.test.Colour",
    ),
    "a part's required field removed": (
        lambda fields: fields[3]["type"]["fields"].clear(),
        "leaf.size isn't written there",
    ),
}


@pytest.mark.parametrize("change", GOOD)
def test_what_every_version_can_read_is_accepted(change: str) -> None:
    new = changed(GOOD[change])
    assert faults(new) == []
    assert conflicts(new, [(1, OLD)]) == []


@pytest.mark.parametrize("change", BAD)
def test_what_some_version_cant_read_is_refused(change: str) -> None:
    alter, expected = BAD[change]
    found = conflicts(changed(alter), [(1, OLD)])
    assert any(expected in why for why in found), found


def test_a_symbol_without_a_default_to_fall_back_to_is_refused() -> None:
    bare = {name: value for name, value in COLOUR.items() if name != "default"}
    old = tree(field("colour", bare))
    new = tree(field("colour", {**bare, "symbols": ["unknown", "red", "blue"]}))
    assert unreadable(old, new) == ["colour may hold the symbol blue, which isn't read and has no default"]
    assert unreadable(new, old) == []


def test_another_record_name_is_refused() -> None:
    assert unreadable({**OLD, "name": "Bush"}, OLD) == [
        "the record was written as penstock.test.Tree, and is read as penstock.test.Bush"
    ]


def test_every_older_version_counts_and_not_just_the_last() -> None:
    first = tree(field("age", "int"), field("name", "string", default=""))
    second = tree(field("age", "int"))
    third = tree(field("age", "int"), field("name", "int", default=0))
    assert conflicts(third, [(2, second)]) == []
    assert conflicts(third, [(1, first), (2, second)]) == [
        "today's can't read version 1: name was written as string, and is read as int",
        "version 1 can't read today's: name was written as int, and is read as string",
    ]


FAULTY: dict[str, tuple[dict[str, Any], str]] = {
    "null last": (tree(field("a", ["string", "null"], default="")), "null first"),
    "null without a default": (tree(field("a", ["null", "string"])), "has the default null"),
    "a union of many": (tree(field("a", ["null", "string", "int"], default=None)), "null first"),
    "no field doc": (tree({"name": "a", "type": "int"}), "the field a has no doc"),
    "no doc": (tree(doc=""), "penstock.test.Tree has no doc"),
    "a field in camelCase": (tree(field("aB", "int")), "snake_case"),
    "a record in snake_case": (tree(name="tree_house"), "CamelCase"),
    "an enum without a default": (
        tree(field("a", {**COLOUR, "default": "green"}, default="red")),
        "an enum has a default among its symbols",
    ),
    "an enum field without a default": (tree(field("a", COLOUR)), "a field of an enum has a default"),
    "an enum's default of the field": (
        tree(field("a", COLOUR, default="green")),
        "isn't a penstock.test.Colour",
    ),
    "a symbol in capitals": (
        tree(field("a", {**COLOUR, "symbols": ["unknown", "RED"]}, default="unknown")),
        "RED",
    ),
    "too many symbols": (
        tree(
            field("a", {**COLOUR, "symbols": ["unknown", *(f"s{n}" for n in range(63))]}, default="unknown")
        ),
        "at most 63",
    ),
    "a default of another type": (tree(field("a", "int", default="1")), "isn't a int"),
    "true as a number": (tree(field("a", "int", default=True)), "isn't a int"),
    "items of zero bytes": (tree(field("a", {"type": "array", "items": "null"})), "zero bytes"),
    "recursion": (tree(field("a", ["null", "penstock.test.Tree"], default=None)), "stands in itself"),
    "a map": (tree(field("a", {"type": "map", "values": "int"})), "isn't a type that this project uses"),
    "an unknown name": (tree(field("a", "penstock.test.Nowhere")), "isn't a type that this project uses"),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_schema_that_breaks_a_rule_by_itself_is_refused(fault: str) -> None:
    schema, expected = FAULTY[fault]
    assert any(expected in why for why in faults(schema)), faults(schema)


def test_our_own_schemas_are_compatible_with_themselves() -> None:
    for name in standalone():
        assert unreadable(self_contained(name), self_contained(name)) == []
