"""A dead letter as a person can read it: decoded where its bytes decode, as hex with the text beside it in any case."""

import dataclasses
import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any, Final

from penstock.runtime.put_backs import Columns
from penstock.schemas.canonical import sha256_hex, too_deep
from penstock.schemas.codec import Codec, Undecodable
from penstock.schemas.envelope.records import Payload

HEX_BYTES_MAX: Final = 4096
_ROW_BYTES: Final = 16


def line(row: Columns) -> dict[str, Any]:
    """One of a list."""
    return {
        "id": row["id"],
        "state": row["state"],
        "time": _moment(row["time_ms"]),
        "topic": row["topic"],
        "partition": row["partition"],
        "offset": row["offset"],
        "group": row["consumer_group"],
        "error": {
            "class": row["error_class"],
            "message": row["error_message"],
            "stage": row["error_stage"],
        },
        "bytes": row["bytes"],
    }


def document(rows: list[Columns], done: list[Columns], codec: Codec) -> dict[str, Any]:
    """All of one record: `rows` are those of the groups that couldn't take it, `done` what operators did with it."""
    row = rows[0]
    value, key = bytes(row["value"] or b""), bytes(row["key"] or b"")
    return {
        "id": row["id"],
        "tenant": row["tenant"],
        "state": row["state"],
        "time": _moment(row["time_ms"]),
        "stands_at": {name: row[name] for name in ("topic", "partition", "offset")},
        "refused_by": [
            {"group": each["consumer_group"], **line(each | {"bytes": 0})["error"]} for each in rows
        ],
        "key": None
        if row["key"] is None
        else {"text": key.decode("utf-8", "backslashreplace"), "hex": key.hex()},
        "headers": row["headers"],
        "value": None
        if row["value"] is None
        else {
            "bytes": len(value),
            "sha256": sha256_hex(value),
            **_decoded(value, codec),
            "hex": hex_rows(value[:HEX_BYTES_MAX]),
        },
        "done": [
            {
                "id": one["action_id"],
                "time": _moment(one["time_ms"]),
                "actor": one["actor"],
                "action": one["action"],
                "reason": one["reason"],
                "detail": one["detail"],
            }
            for one in done
        ],
    }


def hex_rows(value: bytes) -> list[str]:
    """Offset, bytes in hex and the same as ASCII, sixteen a row."""
    found = []
    for at in range(0, len(value), _ROW_BYTES):
        part = value[at : at + _ROW_BYTES]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        found.append(f"{at:08x}  {part.hex(' '):<47}  |{shown}|")
    return found


def _decoded(value: bytes, codec: Codec) -> dict[str, Any]:
    """`decoded` in the shape that a replacement takes, with who said it; or why it can't be decoded."""
    why = ""
    for decode in (codec.decode_input, codec.decode_event, codec.decode_fact):
        try:
            meta, body = decode(value)
        except Undecodable as error:
            why = why or error.reason
            continue
        said_by = {
            "id": meta.id,
            "tenant": meta.tenant,
            "actor": readable(meta.actor),
            "time": _moment(meta.time_ms),
        }
        named = {"type": meta.type, "entity_id": meta.entity_id, "fields": readable(body)}
        return {"decoded": {**named, "said": said_by}, "undecodable": None}
    return {"decoded": None, "undecodable": why}


def readable(value: object) -> Any:
    """A record as JSON values: bytes in base64, a payload with its content as JSON where it is some."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, tuple):
        return [readable(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    fields = {each.name: readable(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Payload) and value.content is not None and value.key_id is None:
        raw = {"base64": b64encode(value.content).decode()}
        try:
            fields["content"] = raw if too_deep(value.content) else json.loads(value.content)
        except ValueError:
            fields["content"] = raw
    return fields


def _moment(time_ms: int) -> str | None:
    """None where no calendar has it: a stranger's number."""
    try:
        found = datetime.fromtimestamp(time_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")
