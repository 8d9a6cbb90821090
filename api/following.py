"""A stream as its client gets it: the past in pages, then what the hub hands over, each event once and in order.

The hub keeps what comes from the moment on at which a stream begins to read its past. Once the past is read up to
what the hub had looked at by then, the two overlap or meet, never leave a gap; what overlaps is known by its seq or
its place. A stream that missed something begins to read again where it is.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Final

import orjson

from penstock.api.event_rows import Event
from penstock.api.hub import Closed, Hub, Subscription
from penstock.api.problems import Problem
from penstock.api.tracks import Track

# Without an empty line: there are readers that take one for the end of an event.
HEARTBEAT: Final = b": still here\n"
RETRY_MS: Final = 1_000
# After a restart clients come back spread over this time.
SPREAD_MS: Final = 2_000
AWAY_S: Final = 1.0
CHUNK_BYTES: Final = 64 * 1024


async def follow(
    track: Track, hub: Hub, heartbeat_s: float, life_s: float, counts: Callable[[], bool] = lambda: True
) -> AsyncGenerator[bytes, None]:
    """The stream's bytes until the run has ended, its time is over, or the hub is closed: whole lines. Nothing more is
    shown once `counts` says no, and within a heartbeat the stream is over."""
    subscription = track.subscription()
    yield b"retry: %d\n" % RETRY_MS + track.first()
    ending = asyncio.get_running_loop().call_later(life_s, subscription.close)
    try:
        hub.add(subscription)
        while track.ended is None:
            _check(counts)
            if hub.positions is None:
                await hub.look(subscription, heartbeat_s)
                yield HEARTBEAT
                continue
            subscription.begin(hub.positions)
            async for piece in _past(track, subscription, hub, heartbeat_s):
                _check(counts)
                yield piece
            while track.ended is None and not subscription.missed:
                taken = await subscription.take(heartbeat_s)
                _check(counts)
                for piece in chunks(track, taken):
                    yield piece
                if not taken and subscription.idle:
                    yield HEARTBEAT + track.mark(hub.positions or {})
        if track.ended is not None:
            yield b"event: end\ndata: %s\n\n" % orjson.dumps({"status": track.ended})
    except Closed:
        yield goodbye()
    finally:
        ending.cancel()
        hub.remove(subscription)


async def _past(
    track: Track, subscription: Subscription, hub: Hub, heartbeat_s: float
) -> AsyncIterator[bytes]:
    """Pages, until the hub's keeping and what was read meet, or so much came that it missed some."""
    while track.ended is None:
        try:
            events, positions, whole = await track.read()
        except Problem as problem:
            if problem.status_code != 503:
                raise Closed from problem
            await hub.look(subscription, AWAY_S)
            events, positions, whole = (), {}, False
            yield HEARTBEAT
        if subscription.closed:
            raise Closed
        for piece in chunks(track, events):
            yield piece
        if whole and all(positions.get(place, 0) >= at for place, at in subscription.began.items()):
            return
        if whole:
            # The views are behind what the hub has seen of them, as while they are made anew: begin once more.
            await hub.look(subscription, heartbeat_s)
            subscription.miss()
            return


def _check(counts: Callable[[], bool]) -> None:
    if not counts():
        raise Closed


def chunks(track: Track, events: Iterable[Event]) -> Iterable[bytes]:
    """The events as they are sent, several at once where they are small."""
    made: list[bytes] = []
    size = 0
    for event in events:
        text = track.take(event)
        made.append(text)
        size += len(text)
        if size >= CHUNK_BYTES:
            yield b"".join(made)
            made, size = [], 0
    if size:
        yield b"".join(made)


def goodbye() -> bytes:
    """Before the process closes a stream: come back, not all at once."""
    wait_ms = RETRY_MS + random.randrange(SPREAD_MS)
    return b": closing; come back with Last-Event-ID\nretry: %d\n\n" % wait_ms
