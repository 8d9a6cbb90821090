"""Puts a dead letter back into the inbox that it came from, or gives it up, in an operator's name.

Reads: the views of dead letters and of operators' actions, what the log has of these beyond the views, and the record
itself where it stands. Writes: penstock.operator.actions, and the inbox.

A redrive is said, done, and said to be done:

1. `dead-letter.redrive` is recorded: who, why, a hash of what is to stand in the inbox, and the inbox's end (`after`).
2. The record is put back, with this action's id in a header.
3. `dead-letter.put-back` is recorded, with its place.

Killed before 1, nothing has happened. Killed between 1 and 2, or 2 and 3, the letter is `redriving`: nothing is lost,
for the action says what was meant, and whoever asks again first looks from `after` on for a record with the action's
id and hash. If it is there only 3 is missing, and is made up for; if not, 2 is. So nothing is put back twice either.
One lock a letter keeps others out meanwhile. Should even that fail (a process that was stopped for long and then goes
on, a record that the log acknowledges after its client gave up), the decider takes one of two: what is put back as it
came has the id that it had, and a mend an id that follows from the letter and from how often it was put back before.
The other order (put it back, then say so) would act without a trace, and couldn't tell an attempt from none.

A record is put back with its own bytes and its own signature: what nobody signed stays unsigned. What an operator
gives in its place is another input, said in the operator's name (runtime/mends.py).
"""

import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from penstock.producers.errors import LogError, NotYetAcknowledged, RecordTooLarge
from penstock.producers.log import Outgoing, Record
from penstock.producers.operators import OperatorLog
from penstock.producers.size import check_size
from penstock.runtime import postgres_dead_letters as rows
from penstock.runtime.dead_letter_actions import DISCARD, PUT_BACK, REDRIVE, Standing, put_back_id, standing
from penstock.runtime.dead_letter_said import said
from penstock.runtime.mends import Mend
from penstock.runtime.points import reach
from penstock.runtime.postgres import connect
from penstock.runtime.put_backs import Means, PutBacks, Refused, hash_of
from penstock.schemas import headers
from penstock.schemas.envelope.records import Actor
from penstock.schemas.ids import derived_id, partition_of

SOURCE: Final = "penstock.dead-letters"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, by which action; where the record stands now if it was put back."""

    id: str
    state: str
    action_id: str
    mended: bool = False
    topic: str = ""
    partition: int = -1
    offset: int = -1


class Redriver:
    """One operator of one tenant at the dead letters. Used by one thread, as a context that holds a connection.

    Every call raises Refused, DatabaseAway and LogError; after NotYetAcknowledged ask again, which finishes it.
    """

    def __init__(self, means: Means, tenant: str, actor: Actor) -> None:
        self._means = means
        self.tenant = tenant
        self.actor = actor
        self._drafts = PutBacks(means, tenant, actor)
        self._held: rows.Reading | None = None
        self._operators = OperatorLog(means.publisher, tenant)

    def __enter__(self) -> "Redriver":
        self._held = connect(self._means.settings, application_name=SOURCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go, if there is one."""
        if self._held is not None:
            self._held.close()

    @property
    def connection(self) -> rows.Reading:
        """The one that is held while the context lasts."""
        assert self._held is not None, "use it as a context"
        return self._held

    def redrive(
        self,
        ident: str,
        reason: str,
        mend: Mend | None = None,
        *,
        again: bool = False,
        words: str | None = None,
    ) -> Outcome:
        """Put a dead letter back, or a mend in its place. `words`: the same for the same request, which then counts
        once. `again`: also one that was put back or given up before."""

        def act(row: rows.Columns, now: Standing, action_id: str) -> Outcome:
            if now.state != "redriving" and now.state != "open" and not again:
                raise Refused(
                    f"already-{now.state}", f"It is {now.state}: say `again` to put it back all the same."
                )
            outgoing = self._drafts.outgoing(row, now.rounds, mend)
            return self._put_back(ident, reason, now, action_id, outgoing, mend is not None)

        return self._at(ident, reason, words, act)

    def discard(self, ident: str, reason: str, *, words: str | None = None) -> Outcome:
        """Give a dead letter up. Its bytes stay where they are."""

        def act(row: rows.Columns, now: Standing, action_id: str) -> Outcome:
            if now.state in ("redriven", "discarded"):
                raise Refused(f"already-{now.state}", f"It is {now.state}: there is nothing to discard.")
            self._say(DISCARD, ident, reason, {"topic": row["topic"]}, action_id)
            return Outcome(ident, "discarded", action_id)

        return self._at(ident, reason, words, act)

    def say_bulk(self, action: str, which: rows.Filter, reason: str, count: int) -> None:
        """Record that many are about to be redriven or discarded; each is then recorded too."""
        self._say(action, which.words() or "all", reason, {"count": count}, str(uuid.uuid4()))

    def ids(self, which: rows.Filter, limit: int) -> list[str]:
        """Those that match, the oldest first."""
        with rows.answered():
            return rows.ids(self.connection, self.tenant, which, limit)

    def _at(
        self,
        ident: str,
        reason: str,
        words: str | None,
        act: Callable[[rows.Columns, Standing, str], Outcome],
    ) -> Outcome:
        with rows.answered(), rows.alone(self.connection, ident) as mine:
            if not mine:
                raise Refused("busy", "Somebody else is at this dead letter now: look at it, then ask again.")
            row = rows.letter(self.connection, self.tenant, ident)
            if row is None:
                raise Refused("not-found", "There is no such dead letter here: check its id.")
            name = None if words is None else f"{self.actor.subject}\x1f{words}\x1f{reason}"
            action_id = str(uuid.uuid4()) if name is None else derived_id(ident, name)
            now = self._finished(ident, standing(said(self.connection, self._means, self.tenant, ident)))
            if action_id in now.put_back:
                return _outcome(ident, action_id, now.put_back[action_id])
            if action_id in now.discards:
                return Outcome(ident, "discarded", action_id)
            return act(row, now, action_id)

    def _finished(self, ident: str, now: Standing) -> Standing:
        """The standing once a redrive that was broken off is known to be done or not."""
        begun = now.unfinished
        if begun is None:
            return now
        topic, partition = str(begun.detail["topic"]), int(begun.detail["partition"])
        end = self._means.log.bounds(topic, partition)[1]
        for record in self._means.log.read(topic, partition, int(begun.detail["after"]), end):
            named = record.header(headers.REDRIVE_ACTION) == begun.action_id.encode()
            if named and hash_of(record) == begun.detail["sha256"]:
                mended = bool(begun.detail["mended"])
                detail = self._say_done(ident, begun.action_id, record, mended)
                now.state, now.unfinished = "redriven", None
                now.put_back[begun.action_id] = detail
                break
        return now

    def _put_back(
        self, ident: str, reason: str, now: Standing, action_id: str, outgoing: Outgoing, mended: bool
    ) -> Outcome:
        log, begun = self._means.log, now.unfinished
        named = ((headers.REDRIVE, ident.encode()), (headers.REDRIVE_ACTION, action_id.encode()))
        outgoing = Outgoing(outgoing.topic, outgoing.key, outgoing.value, (*outgoing.headers, *named))
        try:
            check_size(outgoing)
        except RecordTooLarge as error:
            raise Refused(
                "too-large", f"{error}: give something smaller in its place, or discard it."
            ) from error
        if begun is None or begun.action_id != action_id:
            partition = partition_of(outgoing.key or b"", log.partitions(outgoing.topic))
            after = log.bounds(outgoing.topic, partition)[1]
            place = {"topic": outgoing.topic, "partition": partition, "after": after}
            self._say(
                REDRIVE, ident, reason, {**place, "sha256": hash_of(outgoing), "mended": mended}, action_id
            )
        reach("redrive-recorded")
        record = self._append(outgoing)
        reach("redrive-put-back")
        return _outcome(ident, action_id, self._say_done(ident, action_id, record, mended))

    def _append(self, outgoing: Outgoing) -> Record:
        answer: Future[Record | LogError] = Future()
        self._means.log.append_soon(outgoing, answer.set_result)
        try:
            outcome = answer.result(self._means.acknowledged_s)
        except TimeoutError:
            raise NotYetAcknowledged("the record may stand on the log, now or later: ask again") from None
        if isinstance(outcome, LogError):
            raise outcome
        return outcome

    def _say_done(self, ident: str, action_id: str, record: Record, mended: bool) -> dict[str, Any]:
        place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        detail = {"redrive": action_id, "mended": mended, **place}
        self._say(PUT_BACK, ident, "", detail, put_back_id(action_id))
        return detail

    def _say(self, action: str, target: str, reason: str, detail: dict[str, Any], action_id: str) -> None:
        receipt = self._operators.record(self.actor, action, target, reason, detail, action_id=action_id)
        receipt.wait(self._means.acknowledged_s)


def _outcome(ident: str, action_id: str, detail: Any) -> Outcome:
    place = (str(detail["topic"]), int(detail["partition"]), int(detail["offset"]))
    return Outcome(ident, "redriven", action_id, bool(detail["mended"]), *place)
