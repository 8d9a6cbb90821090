"""Hostile records at the limits of size (docs/limits.md), over them, and such as are small only while compressed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from penstock.producers.log import Outgoing
from penstock.producers.size import record_bytes
from penstock.schemas.topics import BY_NAME
from tests.integration.strangers.case import Told, everywhere, malformed, too_long
from tests.integration.strangers.good import Good
from tests.integration.strangers.sending import Hostile, Way

MIB: Final = 1024 * 1024


def _limit(g: Good) -> int:
    return int(BY_NAME[g.topic].config["max.message.bytes"])


def _of_size(more: int) -> Callable[[Good], Hostile]:
    """A value of zeros, so that the record takes so many bytes more than its topic's limit, measured as we measure."""

    def make(g: Good) -> Hostile:
        headers = tuple((name, value or b"") for name, value in g.headers())
        bare = record_bytes(Outgoing(g.topic, g.key, b"", headers))
        return g.sent(value=b"\0" * (_limit(g) - bare + more))

    return make


def _bomb(way: Way, mib: int) -> Callable[[Good], Hostile]:
    return lambda g: g.sent(value=b"\0" * (mib * MIB), way=way)


def _long_words(g: Good) -> Hostile:
    """A record that is right, and as large as the smallest topic lets it be."""
    return g.but(actor=replace(g.meta.actor, subject="x" * 1_000_000)).sent()


def _many_roles(g: Good) -> Hostile:
    return g.but(actor=replace(g.meta.actor, roles=("r",) * 100_000)).sent()


CASES: Final = (
    malformed("as large as its topic allows", _of_size(0)),
    everywhere("a little larger than its topic allows", _of_size(4096), Told.BROKER),
    everywhere("8 MiB that gzip makes small", _bomb("gzip", 8), Told.BROKER),
    everywhere("64 MiB that zstd makes small", _bomb("zstd", 64), Told.BROKER),
    too_long("a name of a million characters", _long_words),
    too_long("a hundred thousand roles", _many_roles),
)
