"""Puts inputs into an inbox, and facts on their topic: encoded, signed, with headers and a receipt to wait for.

Writes: inboxes, topics of facts. Guarantees: what one thread publishes for one entity stands in that order; an
acknowledged receipt means that the record stands on the log; what waits in memory is bounded.
"""

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Final

from penstock.producers.errors import (
    BufferFull,
    EnvelopeTooLarge,
    LogError,
    NotYetAcknowledged,
    PublisherClosed,
)
from penstock.producers.log import Outgoing, Record, SoonLog
from penstock.producers.receipt import Receipt, count_unanswered
from penstock.producers.signing import Signer
from penstock.producers.size import check_size
from penstock.producers.tracing import current_traceparent
from penstock.schemas.codec import Codec, FactBody, InputBody
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.envelope_limits import excess
from penstock.schemas.headers import input_headers
from penstock.schemas.ids import is_uuid
from penstock.schemas.topics import RUN_INBOX

BUFFER_RECORDS_DEFAULT: Final = 10_000
BUFFER_WAIT_S_DEFAULT: Final = 5.0
CLOSE_S_DEFAULT: Final = 30.0


class Publisher:
    """Publishes signed inputs without waiting for each. Thread-safe. The log stays its maker's to close.

    with Publisher(log, pinned_codec(), keyring.signer(Authority.APP), "casework") as publisher:
        record = publisher.publish(meta, body).wait(5)
    """

    def __init__(
        self,
        log: SoonLog,
        codec: Codec,
        signer: Signer,
        source: str,
        *,
        buffer_records_max: int = BUFFER_RECORDS_DEFAULT,
        buffer_wait_s: float = BUFFER_WAIT_S_DEFAULT,
    ) -> None:
        """`source` names this sender in the ce_source header. At most `buffer_records_max` records wait for
        the log; a caller with one more is blocked for up to `buffer_wait_s` seconds.
        """
        self._log = log
        self._codec = codec
        self._signer = signer
        self._source = source
        self._buffer_records_max = buffer_records_max
        self._buffer_wait_s = buffer_wait_s
        self._changed = threading.Condition()
        self._open: set[Receipt] = set()
        self._failure: LogError | None = None
        self._closed = False

    def publish(self, meta: InputMeta, body: InputBody | FactBody, topic: str = RUN_INBOX) -> Receipt:
        """Hand one input over to the log. Returns at once, unless the buffer is full.

        Raises, and then nothing was handed over: BufferFull, RecordTooLarge, LogRefused, PublisherClosed,
        UnknownTopic; ValueError when `meta` isn't that of this body or its ids aren't UUIDs.
        """
        return self._hand_over(meta, self.outgoing(meta, body, topic))

    def publish_all(
        self, inputs: Iterable[tuple[InputMeta, InputBody | FactBody]], topic: str = RUN_INBOX
    ) -> tuple[Receipt, ...]:
        """Hand several over, in order; all are encoded and measured before the first goes.

        Raises as `publish`. After BufferFull or LogRefused some may have been handed over: publish all again,
        under the same ids.
        """
        ready = [(meta, self.outgoing(meta, body, topic)) for meta, body in inputs]
        return tuple(self._hand_over(meta, outgoing) for meta, outgoing in ready)

    def flush(self, timeout_s: float | None = None) -> None:
        """Wait until the log has answered for all that was handed over before this call.

        Raises NotYetAcknowledged after `timeout_s` seconds; else the first error that a receipt got since the
        last flush, so that whoever looks at no receipt still learns of it.
        """
        with self._changed:
            waiting = tuple(self._open)
        missing = count_unanswered(waiting, timeout_s)
        if missing:
            raise NotYetAcknowledged(
                f"{missing} records were not acknowledged in {timeout_s:g} s: they may stand on the log, now "
                "or later; flush again, or publish them again under the same ids"
            )
        with self._changed:
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def close(self, timeout_s: float = CLOSE_S_DEFAULT) -> None:
        """Take no more, then flush. Raises as `flush`; calling it again flushes again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.flush(timeout_s)

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def outgoing(self, meta: InputMeta, body: InputBody | FactBody, topic: str = RUN_INBOX) -> Outgoing:
        """The signed record that `publish` would hand over, for whoever puts it there otherwise; raises as it does."""
        # Checked here because the log would take it, and then whoever decodes it makes it a dead letter.
        if not is_uuid(meta.id) or not is_uuid(meta.entity_id):
            raise ValueError(
                f"id {meta.id!r} and entity_id {meta.entity_id!r} must be UUIDs, in lower case, with hyphens"
            )
        if too_long := excess(meta):
            raise EnvelopeTooLarge(topic, too_long)
        value = self._codec.encode(meta, body)
        signature = self._signer.sign(meta.type, meta.entity_id, meta.tenant, value)
        headers = input_headers(meta, self._source, signature, current_traceparent())
        outgoing = Outgoing(topic=topic, key=meta.entity_id.encode(), value=value, headers=headers)
        check_size(outgoing)
        return outgoing

    def _hand_over(self, meta: InputMeta, outgoing: Outgoing) -> Receipt:
        receipt = Receipt(meta)
        with self._changed:
            has_room = self._changed.wait_for(
                lambda: self._closed or len(self._open) < self._buffer_records_max, self._buffer_wait_s
            )
            if self._closed:
                raise PublisherClosed(f"{meta.type} {meta.id} was not taken: the publisher is closed")
            if not has_room:
                raise BufferFull(self._buffer_records_max, self._buffer_wait_s)
            self._open.add(receipt)
        try:
            self._log.append_soon(outgoing, lambda outcome: self._answered(receipt, outcome))
        except BaseException:
            self._forget(receipt)
            raise
        return receipt

    def _answered(self, receipt: Receipt, outcome: Record | LogError) -> None:
        self._forget(receipt, outcome if isinstance(outcome, LogError) else None)
        receipt.answer(outcome)

    def _forget(self, receipt: Receipt, failure: LogError | None = None) -> None:
        with self._changed:
            self._open.discard(receipt)
            self._failure = self._failure or failure
            self._changed.notify()
