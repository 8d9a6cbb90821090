"""Hostile records that decode, and say what isn't so: in their headers, their signatures, their names and numbers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from penstock.producers.signing import Authority, Signer
from penstock.schemas.envelope.records import Cause, EventMeta
from penstock.schemas.headers import CE_TYPE, EPOCH, SIGNATURE
from penstock.schemas.run.records import CancelRun
from tests.integration.strangers.case import (
    Case,
    Told,
    harmless,
    malformed,
    of_the_events,
    of_the_inbox,
    of_the_schedules,
    unvouched,
)
from tests.integration.strangers.good import KEY_OF_NOBODY, OTHER, Good, good, signed_with
from tests.integration.strangers.sending import Hostile

LONG: Final = 2**63 - 1


def _headers(**changed: bytes | None) -> Callable[[Good], Hostile]:
    return lambda g: g.sent(headers=g.headers(**changed))


def _epoch(text: bytes | None, effectors: Told, views: Told, says: str) -> Case:
    return of_the_events(f"an epoch that is {says}", _headers(**{EPOCH: text}), effectors, views)


def _ahead(g: Good) -> Hostile:
    return g.sent(headers=g.headers(**{EPOCH: b"%d" % (g.epoch + 3)}))


def _taking(g: Good) -> Hostile:
    """Its header says that a new owner has the partition from here on."""
    return g.sent(headers=g.headers(**{CE_TYPE: b"PartitionTaken", EPOCH: b"%d" % (g.epoch + 5)}))


def _taking_of_garbage(g: Good) -> Hostile:
    return g.sent(
        value=b"garbage", headers=g.headers(**{CE_TYPE: b"PartitionTaken", EPOCH: b"%d" % (g.epoch + 5)})
    )


def _envelope(**changes: Any) -> Callable[[Good], Hostile]:
    return lambda g: g.but(**changes).sent()


def _event(**changes: Any) -> Callable[[Good], Hostile]:
    """Changes of the cause are named cause_…"""

    def make(g: Good) -> Hostile:
        assert isinstance(g.meta, EventMeta)
        of_cause = {name[6:]: value for name, value in changes.items() if name.startswith("cause_")}
        own = {name: value for name, value in changes.items() if not name.startswith("cause_")}
        cause: Cause = replace(g.meta.cause, **of_cause)
        return g.but(cause=cause, **own).sent()

    return make


def _misnamed(g: Good) -> Hostile:
    name = g.meta.type.encode()
    return g.sent(value=g.value.replace(name, name[:-1] + b"x", 1))


def _of_another(g: Good) -> Hostile:
    """The signature of a record that says the same of another entity."""
    return signed_with(g, good(g.topic, g.keyring, 1).signature())


def _of_another_kind(g: Good) -> Hostile:
    return signed_with(g, g.but(body=CancelRun(reason="")).signature())


def _of_another_tenant(g: Good) -> Hostile:
    return g.but(tenant=OTHER).sent(headers=g.headers())


def _by_nobody(g: Good) -> Hostile:
    made = Signer(KEY_OF_NOBODY).sign(g.meta.type, g.meta.entity_id, g.meta.tenant, g.value)
    return signed_with(g, made.encode())


def _for_another_tenant(g: Good) -> Hostile:
    """An app speaks for its own tenant only."""
    return g.but(tenant=OTHER).sent()


def _without_roles(g: Good) -> Hostile:
    return g.but(actor=replace(g.meta.actor, roles=("analyst",))).sent()


SIGNATURES: Final = (
    unvouched("unsigned", lambda g: signed_with(g, None)),
    unvouched("a signature that isn't ASCII", lambda g: signed_with(g, b"app:local:\xff\xfe")),
    # Too long for an input's envelope, so that nobody asks whether it is right.
    replace(
        unvouched("a signature a megabyte long", lambda g: signed_with(g, b"app:local:" + b"0" * 900_000)),
        inbox=Told.LETTER,
    ),
    unvouched("signed by a key that nobody knows", _by_nobody),
    unvouched("the signature of another record that says the same", _of_another),
    unvouched("the signature of another kind of record about it", _of_another_kind),
    unvouched("its signature, and another tenant's name", _of_another_tenant),
    of_the_inbox("signed by an app for another tenant", _for_another_tenant),
    of_the_schedules("a schedule, signed by an app", lambda g: g.by(Authority.APP).sent()),
    of_the_schedules("a schedule, signed by who fires them", lambda g: g.by(Authority.SCHEDULES).sent()),
    of_the_schedules("a schedule, by somebody without the role", _without_roles),
    of_the_schedules("a schedule under another tenant's name than its id is of", _for_another_tenant),
    Case(
        "an operator's action, signed by an app",
        lambda g: g.by(Authority.APP).sent(),
        Told.ABSENT,
        Told.ABSENT,
        Told.ABSENT,
        Told.LETTER,
        Told.ABSENT,
    ),
)
HEADERS: Final = (
    Case(
        "no headers at all", lambda g: g.sent(headers=()), Told.REFUSED, Told.LETTER, Told.UNSEEN, Told.LETTER
    ),
    Case(
        "headers of which one has a name that isn't UTF-8",
        lambda g: g.sent(headers=(*g.headers(), ("\xff\xfe", b"x")), way="raw header names"),
        *(Told.REFUSED, Told.LETTER, Told.UNSEEN, Told.LETTER),
    ),
    harmless("headers without values", lambda g: g.sent(headers=(*g.headers(), ("x", None), ("", None)))),
    harmless("a thousand headers more", lambda g: g.sent(headers=(*g.headers(), *[("x", b"y")] * 1000))),
    Case(
        "its headers twice, the first ones false",
        lambda g: g.sent(headers=((SIGNATURE, b"x"), (EPOCH, b"x"), *g.headers())),
        Told.REFUSED,
        Told.LETTER,
        Told.UNSEEN,
        Told.LETTER,
    ),
    _epoch(None, Told.LETTER, Told.UNSEEN, "missing"),
    _epoch(b"", Told.LETTER, Told.UNSEEN, "empty"),
    _epoch(b"-1", Told.LETTER, Told.UNSEEN, "negative"),
    _epoch(b"1.5", Told.LETTER, Told.UNSEEN, "no whole number"),
    _epoch("٣".encode(), Told.LETTER, Told.UNSEEN, "a digit of another script"),
    _epoch(b"0", Told.UNSEEN, Told.UNSEEN, "an owner's before"),
    _epoch(b"9" * 40, Told.UNSEEN, Told.UNSEEN, "of forty digits"),
    _epoch(b"%d" % LONG, Told.UNSEEN, Told.UNSEEN, "the last that a long can hold"),
    of_the_events("an epoch that is a little ahead", _ahead, Told.TAKEN, Told.TAKEN),
    replace(
        of_the_events("another ce_type than its own: a taking", _taking, Told.UNSEEN, Told.LETTER), last=True
    ),
    replace(
        of_the_events("garbage that its header calls a taking", _taking_of_garbage, Told.UNSEEN, Told.LETTER),
        last=True,
    ),
    of_the_events("no ce_type", _headers(**{CE_TYPE: None}), Told.UNSEEN, Told.LETTER),
    harmless("an entity_seq header that is no number", _headers(entity_seq=b"first")),
)
NAMES: Final = (
    malformed("an entity that is no UUID", _envelope(entity_id="../../etc/passwd")),
    malformed(
        "an entity whose UUID is in upper case",
        lambda g: g.but(entity_id=str(g.meta.entity_id).upper()).sent(),
    ),
    malformed("an id that is no UUID", _envelope(id="' OR 1=1 --")),
    malformed("an envelope that names another record", _misnamed),
    harmless("a time before everything", _envelope(time_ms=-(2**63))),
    harmless("a time after everything", _envelope(time_ms=LONG)),
)
EVENTS: Final = (
    of_the_events("an entity_seq of zero", _event(entity_seq=0), Told.TAKEN, Told.LETTER),
    of_the_events("a negative entity_seq", _event(entity_seq=-5), Told.TAKEN, Told.LETTER),
    of_the_events("a gap before its entity_seq", _event(entity_seq=7), Told.TAKEN, Told.TAKEN),
    of_the_events("the last entity_seq that there is", _event(entity_seq=LONG), Told.TAKEN, Told.TAKEN),
    of_the_events("a cause that is no UUID", _event(cause_id="no uuid"), Told.TAKEN, Told.LETTER),
    of_the_events(
        "a cause of numbers that can't be",
        _event(cause_partition=-(2**31), cause_offset=LONG, cause_index=2**31 - 1, cause_count=-1),
        Told.TAKEN,
        Told.TAKEN,
    ),
)
CASES: Final = (*SIGNATURES, *HEADERS, *NAMES, *EVENTS)
