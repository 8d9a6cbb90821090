"""Where a stream of a tenant's events has got to, as a token that a client keeps and sends back.

A place for each partition of the events topic, and of which log they are. It holds nothing of the process that
made it or of the tenant: it is good after a restart, a rebuild of the views, and at another API process.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_VERSION: Final = 1
_LOG_BYTES: Final = 6
# Partitions and offsets as 7 bits a byte: an offset has at most 63 bits.
_SHIFT_MAX: Final = 63
CHARACTERS_MAX: Final = 8_192


class NoCursor(ValueError):
    """The text isn't a token of an event stream."""


def log_mark(cluster_id: str, topic_id: str) -> bytes:
    """What a token keeps of the log's identity."""
    return hashlib.sha256(f"{cluster_id}\n{topic_id}".encode()).digest()[:_LOG_BYTES]


@dataclass(frozen=True, slots=True)
class Cursor:
    """`offsets`: by partition the next record's, all before it were sent. One that is missing was never seen."""

    log: bytes
    offsets: Mapping[int, int]

    def token(self) -> str:
        """As the client has it: letters, digits, `-` and `_`."""
        raw = bytearray((_VERSION,)) + self.log
        for partition, offset in sorted(self.offsets.items()):
            _put(raw, partition)
            _put(raw, offset)
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    @classmethod
    def parse(cls, token: str) -> "Cursor":
        """What `token` made. Raises NoCursor."""
        if len(token) > CHARACTERS_MAX or not token.isascii():
            raise NoCursor(token[:80])
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            raise NoCursor(token[:80]) from None
        if len(raw) <= _LOG_BYTES or raw[0] != _VERSION:
            raise NoCursor(token[:80])
        numbers = list(_numbers(raw[1 + _LOG_BYTES :]))
        offsets = dict(zip(numbers[::2], numbers[1::2], strict=False))
        if len(offsets) * 2 != len(numbers) or any(partition >= 2**31 for partition in offsets):
            raise NoCursor(token[:80])
        return cls(raw[1 : 1 + _LOG_BYTES], offsets)


def _put(raw: bytearray, number: int) -> None:
    while number > 0x7F:
        raw.append(number & 0x7F | 0x80)
        number >>= 7
    raw.append(number)


def _numbers(raw: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in raw:
        if shift >= _SHIFT_MAX:
            raise NoCursor("a number is too long")
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise NoCursor("it was cut off")
