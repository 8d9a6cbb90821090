"""Do the views say what the log says? Reads both at the same positions; writes nothing (law L16)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection, IsolationLevel, sql
from psycopg.rows import TupleRow, dict_row

from penstock.audit.fold import Hearer, Histories, actions, fold
from penstock.producers.log import Log
from penstock.producers.signing import Keyring
from penstock.schemas.codec import Codec
from penstock.schemas.topics import OPERATOR_ACTIONS, RUN_EVENTS, SCHEDULE_EVENTS

_KEYS: Final = {
    "run": ("run_id",),
    "tool_call": ("call_id",),
    "approval": ("approval_id",),
    "run_event": ("run_id", "seq"),
    "feedback": ("feedback_id",),
}
_SCHEDULE_KEYS: Final = {"schedule": ("schedule_id",), "schedule_event": ("schedule_id", "seq")}
_ACTION: Final = "operator_action"
_ACTION_KEY: Final = ("action_id",)
_ABSENT: Final = "(no row)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a view and the log disagree; `column` is None if one of them has no such row."""

    view: str
    key: str
    column: str | None
    in_view: object
    in_log: object

    def __str__(self) -> str:
        where = f"{self.view} {self.key}" + (f" {self.column}" if self.column else "")
        return f"{where}: the view says {self.in_view!r}, the log {self.in_log!r}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`rows` compared at the views' positions; `behind`: how many records the log has beyond those."""

    differences: tuple[Difference, ...]
    rows: int
    behind: int


def compare(
    connection: Connection[TupleRow],
    kept: Log,
    topic: str = RUN_EVENTS,
    codec: Codec | None = None,
    hear: Hearer | None = None,
) -> Comparison:
    """Fold the log up to where the views are and compare every row of every view with it: of runs, or of schedules.

    `hear` is told each history on the way, also what the views haven't seen of it.
    """
    keys = _SCHEDULE_KEYS if topic == SCHEDULE_EVENTS else _KEYS
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with connection.transaction():
            until = _positions(connection, topic)
            views = {view: _rows(connection, view, key) for view, key in keys.items()}
    finally:
        connection.isolation_level = None
    log = _by_view(fold(kept, until, topic, codec, hear))
    differences = [each for view in keys for each in _differences(view, views[view], log[view])]
    return Comparison(tuple(differences), sum(map(len, views.values())), lag(kept, until, topic))


def compare_actions(
    connection: Connection[TupleRow],
    kept: Log,
    keyring: Keyring,
    topic: str = OPERATOR_ACTIONS,
    codec: Codec | None = None,
) -> Comparison:
    """The same of what operators did, judged by these keys."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with connection.transaction():
            until = _positions(connection, topic)
            view = _rows(connection, _ACTION, _ACTION_KEY)
    finally:
        connection.isolation_level = None
    differences = _differences(_ACTION, view, actions(kept, keyring, until, topic, codec))
    return Comparison(tuple(differences), len(view), lag(kept, until, topic))


def lag(kept: Log, until: Mapping[int, int], topic: str = RUN_EVENTS) -> int:
    """How many records of a topic stand beyond these positions by partition."""
    behind = 0
    for partition in range(kept.partitions(topic)):
        first, end = kept.bounds(topic, partition)
        behind += max(0, end - until.get(partition, first))
    return behind


def behind(connection: Connection[TupleRow], kept: Log, topic: str = RUN_EVENTS) -> int:
    """How many records of a topic the views haven't seen yet."""
    return lag(kept, _positions(connection, topic), topic)


def _positions(connection: Connection[TupleRow], topic: str) -> dict[int, int]:
    found = connection.execute("SELECT partition, position FROM views.position WHERE topic = %s", (topic,))
    return {int(partition): int(position) for partition, position in found}


def _rows(connection: Connection[TupleRow], view: str, key: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("views", view)))
        return {_key(row[name] for name in key): row for row in cursor}


def _by_view(log: Histories) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        "run": log.run,
        "tool_call": log.tool_call,
        "approval": log.approval,
        "feedback": log.feedback,
        "run_event": {_key(key): row for key, row in log.run_event.items()},
        "schedule": log.schedule,
        "schedule_event": {_key(key): row for key, row in log.schedule_event.items()},
    }


def _key(parts: Any) -> str:
    return " ".join(map(str, parts))


def _differences(
    view: str, views: Mapping[str, Mapping[str, Any]], log: Mapping[str, Mapping[str, Any]]
) -> list[Difference]:
    found: list[Difference] = []
    for key in sorted(views.keys() | log.keys()):
        seen, told = views.get(key), log.get(key)
        if seen is None or told is None:
            found.append(
                Difference(
                    view, key, None, _ABSENT if seen is None else seen, _ABSENT if told is None else told
                )
            )
            continue
        for column in sorted(seen.keys() | told.keys()):
            in_view, in_log = seen.get(column), told.get(column)
            if not _same(in_view, in_log):
                found.append(Difference(view, key, column, in_view, in_log))
    return found


def _same(one: Any, other: Any) -> bool:
    """Whether two values mean the same: JSON has one kind of number, and no order of names."""
    if type(one) is type(other) and isinstance(one, str | int | None):
        return bool(one == other)
    # Nearly all are written the same, and need no look at their numbers.
    if json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True):
        return True
    return json.dumps(_numbers(one), sort_keys=True) == json.dumps(_numbers(other), sort_keys=True)


def _numbers(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, Mapping):
        return {name: _numbers(item) for name, item in value.items()}
    return [_numbers(item) for item in value]
