"""The operator records in Avro's binary form. Generated from the .avsc files: never edited, made anew by
`python -m penstock.schemas.generate`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from penstock.schemas.binary import (
    Malformed,
    read_size,
    setters,
    write_text,
)
from penstock.schemas.envelope.wire import read_payload, write_payload
from penstock.schemas.operator.records import (
    OperatorActed,
)

_new = object.__new__
(
    _set_operator_acted_action,
    _set_operator_acted_target,
    _set_operator_acted_reason,
    _set_operator_acted_detail,
) = setters(OperatorActed)


def read_operator_acted(value: bytes, at: int) -> tuple[OperatorActed, int]:
    """The OperatorActed whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    action_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    target_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    detail_, at = read_payload(value, at)
    if "\0" in f"{action_}{target_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(OperatorActed)
    _set_operator_acted_action(made, action_)
    _set_operator_acted_target(made, target_)
    _set_operator_acted_reason(made, reason_)
    _set_operator_acted_detail(made, detail_)
    return made, at


def write_operator_acted(record: OperatorActed) -> bytes:
    """The OperatorActed in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.action),
            write_text(record.target),
            write_text(record.reason),
            write_payload(record.detail),
        )
    )


READERS: Final[Mapping[str, Callable[[bytes, int], tuple[Any, int]]]] = {
    "penstock.operator.OperatorActed": read_operator_acted,
}
WRITERS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "penstock.operator.OperatorActed": write_operator_acted,
}
