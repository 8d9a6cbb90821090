"""What may not stand on a topic: malformed, of unknown schemas, unsigned, misplaced, undecidable, forged, in one flood.

Each of them must have an answer on the log: a dead letter with its place, a refusal, or parking.
"""

import random
import uuid
from collections.abc import Iterator
from typing import Final

from penstock.producers.log import Outgoing
from penstock.producers.signing import Authority, Keyring
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import InputBody, pinned_codec
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.headers import input_headers
from penstock.schemas.ids import partition_of
from penstock.schemas.run.records import CastVote, CompleteToolCall, FireTimer, StartRun, StartToolCall
from penstock.schemas.topics import PARTITIONS, RUN_EVENTS, RUN_INBOX
from tests.chaos.matrix.clients import APP, TENANT
from tests.chaos.matrix.harm import Heal
from tests.chaos.matrix.schedule import Fault
from tests.chaos.matrix.site import Site
from tests.runner.tally import forged_marker

EACH: Final = 40
# Fewer in a row than those at which a worker stops, because it looks like a bad deploy.
UNDECIDABLE: Final = 3


def harm(site: Site, fault: Fault) -> Heal:
    """All of it, at once; nobody waits for the answers here."""
    dice = random.Random(f"poison {fault.at_s}")
    records = list(flood(site.keyring, dice))
    dice.shuffle(records)
    site.clients.log.append(records)
    return lambda: f"{len(records)} records"


def flood(keyring: Keyring, dice: random.Random) -> Iterator[Outgoing]:
    """The records. Ids are new at each call."""
    for _ in range(EACH):
        yield Outgoing(RUN_INBOX, _new().encode(), dice.randbytes(dice.randint(0, 200)), ())
        yield Outgoing(RUN_INBOX, dice.randbytes(8), b"\0" + dice.randbytes(60), ())
        yield Outgoing(RUN_INBOX, None, b"no key", ())
        yield Outgoing(RUN_EVENTS, _new().encode(), dice.randbytes(100), ())
        good = _input(keyring, _new(), FireTimer(timer_id=_new()))
        yield Outgoing(RUN_INBOX, good.key, b"\0" + dice.randbytes(4) + (good.value or b"")[5:], good.headers)
        yield Outgoing(RUN_INBOX, good.key, (good.value or b"")[:-3], good.headers)
        elsewhere = (partition_of(good.key or b"", PARTITIONS) + 1) % PARTITIONS
        yield Outgoing(RUN_INBOX, good.key, good.value, good.headers, elsewhere)
        run_id = _new()
        for body in _forged():
            signed = _input(keyring, run_id, body)
            yield Outgoing(RUN_INBOX, signed.key, signed.value, signed.headers[:-1])
            yield _input(keyring, run_id, body)
    for partition in range(PARTITIONS):
        # The second one counts, so the partition's owner has to go beyond it.
        for epoch in ("9" * 40, dice.randint(10**3, 10**8), dice.choice((2**63 - 1, "1" * 5000))):
            yield forged_marker(partition, epoch)
    for _ in range(UNDECIDABLE):
        order = json_payload({"number": -1})
        start = StartRun(workflow="order", input=order, body_sha256=order.sha256)
        yield _input(keyring, _new(), start)


def _forged() -> Iterator[InputBody]:
    """What an app may not say: it has a key, but not for these."""
    call = _new()
    yield CastVote(approval_id=_new(), decision="grant", args_sha256="0" * 64)
    yield StartToolCall(call_id=call, attempt=1, lease_id="mine", worker="me")
    yield CompleteToolCall(call_id=call, attempt=1, lease_id="mine", result=json_payload(1), duration_ms=1)
    yield FireTimer(timer_id=_new())


def _input(keyring: Keyring, run_id: str, body: InputBody) -> Outgoing:
    """Signed with the app's key."""
    meta = InputMeta(
        id=_new(), type=type(body).__name__, tenant=TENANT, entity_id=run_id, time_ms=0, actor=APP
    )
    value = pinned_codec().encode(meta, body)
    signature = keyring.signer(Authority.APP).sign(meta.type, run_id, TENANT, value)
    return Outgoing(RUN_INBOX, run_id.encode(), value, input_headers(meta, "stranger", signature))


def _new() -> str:
    return str(uuid.uuid4())
