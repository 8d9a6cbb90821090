"""Names and documentation of what can be said."""

from penstock.schemas.avro import declared, kind, self_contained
from penstock.schemas.compatibility import faults

IMPERATIVES = {
    "Start",
    "Cancel",
    "Cast",
    "Complete",
    "Fail",
    "Report",
    "Settle",
    "Fire",
    "Resume",
    "Release",
    "Discard",
    "Signal",
    "Pause",
    "Continue",
    "Delegate",
    "Escalate",
    "Create",
    "Revise",
    "Trigger",
    "Delete",
    "Defer",
    "Give",
    "Migrate",
}
IRREGULAR_PARTICIPLES = {"Taken", "Held", "Given"}
# Each says something that no participle says better.
NOT_PARTICIPLES = {"LateAnswer", "RunEnding", "ToolCallInDoubt"}
MEANINGLESS = {"Updated", "Changed", "Processed"}


def words(name: str) -> list[str]:
    return "".join(f" {letter}" if letter.isupper() else letter for letter in name).split()


def past_participle(name: str) -> bool:
    last = words(name)[-1]
    return (last.endswith("ed") or last in IRREGULAR_PARTICIPLES) and last not in MEANINGLESS


def imperative(name: str) -> bool:
    return words(name)[0] in IMPERATIVES and len(words(name)) > 1


def names_of(which: str) -> list[str]:
    return [schema["name"] for schema in declared().values() if kind(schema) == which]


def test_inputs_are_imperatives() -> None:
    assert names_of("input")
    assert [name for name in names_of("input") if not imperative(name)] == []


def test_events_are_past_participles_with_the_noun_first() -> None:
    odd = {name for name in names_of("event") if not past_participle(name) or len(words(name)) < 2}
    assert odd == NOT_PARTICIPLES


def test_facts_are_past_participles_too() -> None:
    assert names_of("fact")
    assert all(past_participle(name) and len(words(name)) > 1 for name in names_of("fact"))


def test_the_rules_of_names_refuse_what_they_should() -> None:
    assert not past_participle("StartRun")
    assert not past_participle("RunUpdated")
    assert not imperative("RunStarted")
    assert not imperative("Start")


def test_every_type_and_every_field_is_documented_and_well_formed() -> None:
    assert {name: found for name in declared() if (found := faults(self_contained(name)))} == {}


def test_numbers_that_have_a_unit_end_in_it() -> None:
    for name, schema in declared().items():
        for field in schema.get("fields", ()):
            if field["type"] in ("long", ["null", "long"]):
                plain = field["name"] in ("entity_seq", "offset", "epoch")
                assert plain or field["name"].endswith("_ms"), f"{name}.{field['name']}"
