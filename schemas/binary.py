"""Avro's binary form of the primitive types, as the generated `wire` modules call it.

The common case (text under 64 bytes, a number of one byte) stands inline in those modules; what is here is
the rest. Reading is strict: what other readers would take differently, or Postgres couldn't store, is
refused. Positions are offsets into the value; an end that comes too early shows as IndexError.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any, Final, TypeVar

T = TypeVar("T")
Read = Callable[[bytes, int], tuple[T, int]]

LONG_BITS: Final = 64
INT_BITS: Final = 32
SMALL: Final = 8192
SHORT_CHARACTERS: Final = 48
# Zig-zag varints of 0..8191: lengths, counts, sequence numbers, ports of call.
_SMALL: Final = tuple(
    bytes((raw,)) if raw < 128 else bytes((raw & 127 | 128, raw >> 7)) for raw in range(0, 2 * SMALL, 2)
)


class Malformed(ValueError):
    """The bytes aren't the Avro form of this type. The codec turns it into Undecodable."""


def setters(record: type) -> tuple[Any, ...]:
    """What sets each field of a frozen, slotted dataclass, in order of the fields.

    A decoded record is filled through these: its own __init__ takes twice as long, which is a fifth of
    decoding.
    """
    return tuple(record.__dict__[field.name].__set__ for field in fields(record))


def read_long(value: bytes, at: int, bits: int = LONG_BITS) -> tuple[int, int]:
    """(zig-zag form of the number that begins at `at`, position of its last byte). Malformed over `bits`."""
    raw = shift = 0
    while True:
        byte = value[at]
        raw |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        at += 1
        shift += 7
        if shift >= LONG_BITS + 6:
            raise Malformed("a number of more than ten bytes")
    if raw >> bits:
        raise Malformed(f"a number of more than {bits} bits")
    return raw, at


def read_int(value: bytes, at: int) -> tuple[int, int]:
    """As read_long, for a number of 32 bits."""
    return read_long(value, at, INT_BITS)


def read_size(value: bytes, at: int) -> tuple[int, int]:
    """As read_long, for a length, which can't be negative."""
    raw, at = read_long(value, at)
    if raw & 1:
        raise Malformed("a negative length")
    return raw, at


def read_array(value: bytes, at: int, item: Read[T]) -> tuple[tuple[T, ...], int]:
    """The items, and the position behind them. No item may be of zero bytes (the generator sees to that),
    so a hostile count ends where the value ends.
    """
    found: list[T] = []
    while True:
        raw, at = read_long(value, at)
        at += 1
        if raw == 0:
            return tuple(found), at
        if raw & 1:
            # A negative count is followed by the block's size in bytes, for readers that skip it.
            raw, at = raw + 1, read_size(value, at)[1] + 1
        for _ in range(raw >> 1):
            one, at = item(value, at)
            found.append(one)


def read_text(value: bytes, at: int) -> tuple[str, int]:
    """A string, and the position behind it."""
    raw, at = read_size(value, at)
    end = at + 1 + (raw >> 1)
    found = value[at + 1 : end].decode()
    if "\0" in found:
        raise Malformed("text with U+0000")
    return found, end


def symbols(*names: str) -> tuple[Mapping[int, Any], Mapping[str, bytes]]:
    """(symbol by its byte on the wire, bytes by symbol) of an enum with fewer than 64 symbols."""
    by_byte = {place * 2: name for place, name in enumerate(names)}
    return by_byte, {name: bytes((byte,)) for byte, name in by_byte.items()}


def write_long(number: int) -> bytes:
    """A number of 64 bits. OverflowError if it has more."""
    return _SMALL[number] if 0 <= number < SMALL else _write_large(number)


@lru_cache(maxsize=4_096, typed=True)
def _write_large(number: int) -> bytes:
    """Kept, because times stand several times in a record, and offsets in every event of their input."""
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError(f"{number} needs more than 64 bits")
    raw = number << 1 ^ number >> 63
    out = bytearray()
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
    return bytes(out)


def write_int(number: int) -> bytes:
    """A number of 32 bits. OverflowError if it has more."""
    if 0 <= number < SMALL:
        return _SMALL[number]
    if not -(1 << 31) <= number < 1 << 31:
        raise OverflowError(f"{number} needs more than 32 bits")
    return write_long(number)


def write_text(text: str) -> bytes:
    """A string in UTF-8. What UTF-8 or Postgres can't hold (lone surrogates, U+0000) becomes U+FFFD: the
    words of a tool's error must never stop the one who reports it.
    """
    return _write_short(text) if len(text) <= SHORT_CHARACTERS else _write_text(text)


def _write_text(text: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raw = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
    if b"\0" in raw:
        raw = raw.replace(b"\0", b"\xef\xbf\xbd")
    size = len(raw)
    return (_SMALL[size] if size < SMALL else write_long(size)) + raw


# Ids and names come again in every record of a run. What is longer comes from people and is rarely repeated.
_write_short = lru_cache(maxsize=16_384, typed=True)(_write_text)


def write_bytes(content: bytes) -> bytes:
    """Bytes behind their length."""
    return write_long(len(content)) + content


def write_array(items: Iterable[T], write: Callable[[T], bytes]) -> bytes:
    """One block of items and the end of the array."""
    written = [write(item) for item in items]
    return b"".join((write_long(len(written)), *written, b"\0")) if written else b"\0"
