"""The verdict on webhooks: whoever subscribed was told of everything, of nothing else, and by nobody but Penstock.

What is owed is found here from the log alone, and signatures are made here as Standard Webhooks says. No order was
promised, and that nothing comes twice wasn't either; that it comes under the same id and with the same bytes was.
"""

import base64
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.audit.witnesses import Finding
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import ApprovalGranted, ApprovalRequested
from tests.chaos.matrix.hooks import Post, Subscription
from tests.chaos.matrix.reading import Event

_SIMPLE: Final = {
    "ApprovalRequested": "approval.requested",
    "ApprovalDelegated": "approval.delegated",
    "ApprovalEscalated": "approval.escalated",
    "ApprovalGranted": "approval.ended",
    "ApprovalRefused": "approval.ended",
    "ApprovalExpired": "approval.ended",
    "RunCompleted": "run.ended",
    "RunFailed": "run.ended",
    "RunCancelled": "run.ended",
    "RunStalled": "run.stalled",
    "ToolCallInDoubt": "call.in_doubt",
}
_STOPS: Final = frozenset({"RunEnding", "RunCompleted", "RunFailed", "RunCancelled"})


@dataclass(frozen=True, slots=True)
class Owed:
    """Something that whoever subscribed to its tenant is to be told."""

    notice_id: str
    tenant: str
    kind: str
    run_id: str
    time_ms: int


def owed(events: Iterable[Event]) -> dict[str, Owed]:
    """By id, all that these events give to tell. They stand in the order of their histories."""
    found: dict[str, Owed] = {}
    asked: defaultdict[str, list[str]] = defaultdict(list)
    for event in events:
        meta, body = event.meta, event.body
        if meta.id in found:
            continue
        run_id, kind = meta.entity_id, _SIMPLE.get(meta.type)
        open_ = asked[run_id]
        if meta.type in _STOPS:
            for approval_id in open_:
                name = derived_id(meta.id, approval_id)
                found[name] = Owed(name, meta.tenant, "approval.ended", run_id, meta.time_ms)
            open_.clear()
        # A rule that grants asks nobody, and nobody is told.
        if kind is None or (isinstance(body, ApprovalGranted) and body.rule is not None):
            continue
        if isinstance(body, ApprovalRequested):
            open_.append(body.approval_id)
        elif kind == "approval.ended" and (approval := getattr(body, "approval_id", "")) in open_:
            open_.remove(approval)
        found[meta.id] = Owed(meta.id, meta.tenant, kind, run_id, meta.time_ms)
    return found


def broken_promises(
    events: Iterable[Event], subscriptions: Sequence[Subscription], posts: Iterable[Post]
) -> Iterator[Finding]:
    """Each notice came at least once, to its tenant's own subscription, signed, always with the same bytes."""
    due = owed(events)
    by_id = {each.webhook_id: each for each in subscriptions}
    bodies: dict[tuple[str, str], bytes] = {}
    came: defaultdict[str, set[str]] = defaultdict(set)
    for post in posts:
        name = post.headers.get("webhook-id", "")
        subscription = by_id.get(post.webhook_id)
        if subscription is None or not _signed(subscription, name, post):
            yield Finding("unsigned", name, f"came to {post.webhook_id} with a wrong signature")
            continue
        yield from _untrue(due.get(name), subscription, name, post)
        if bodies.setdefault((post.webhook_id, name), post.body) != post.body:
            yield Finding("reworded", name, "came twice and said something else the second time")
        if post.taken:
            came[post.webhook_id].add(name)
    for subscription in subscriptions:
        if subscription.lost:
            continue
        told = came[subscription.webhook_id]
        for notice in due.values():
            wanted = notice.tenant == subscription.tenant and notice.time_ms >= subscription.since_ms
            if wanted and notice.notice_id not in told:
                yield Finding("untold", notice.notice_id, f"{notice.kind} of {notice.run_id} was never told")


def _untrue(notice: Owed | None, subscription: Subscription, name: str, post: Post) -> Iterator[Finding]:
    if notice is None:
        yield Finding("untrue", name, f"was told, and the log has nothing of it: {post.body[:200]!r}")
        return
    if notice.tenant != subscription.tenant:
        yield Finding("misaddressed", name, f"of {notice.tenant} was told to {subscription.tenant}")
    if notice.time_ms < subscription.since_ms:
        yield Finding("untrue", name, "was told to who subscribed later")
    said = json.loads(post.body)
    as_it_is = (notice.notice_id, notice.kind, notice.tenant, notice.run_id)
    if (said["id"], said["type"], said["tenant"], said["data"]["run_id"]) != as_it_is:
        yield Finding("untrue", name, f"the log says {as_it_is}, what was told is {post.body[:200]!r}")


def _signed(subscription: Subscription, name: str, post: Post) -> bool:
    key = base64.b64decode(subscription.secret.removeprefix("whsec_"))
    signed = f"{name}.{post.headers.get('webhook-timestamp', '')}.".encode() + post.body
    right = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return right in post.headers.get("webhook-signature", "").split()
