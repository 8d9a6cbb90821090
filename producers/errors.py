"""What can go wrong while writing to or reading from a log, and what the caller has to do about it.

LogError                 anything the log or the publisher reports
  RecordTooLarge         nothing was sent: make the record smaller
    EnvelopeTooLarge     nothing was sent: shorten the actor or the tenant
  UnknownTopic           nothing was sent: make the topic
  LogRefused             for good: make a new log
  BufferFull             nothing was sent: slow down
  NotYetAcknowledged     outcome unknown: the same id may be published again
  PublisherClosed        nothing was sent
  BrokerUnreachable      no broker answers
SigningError             keys: missing, readable by others, malformed, already there, of another authority
"""

from pathlib import Path

from penstock.schemas.envelope_limits import Excess


class LogError(Exception):
    """Base of everything that a log or a publisher reports."""


class RecordTooLarge(LogError):
    """The record is over its topic's limit. Nothing of the append was sent. Put the content into object
    storage and send its reference and hash (law L15), or send less; trying again can't help.
    """

    def __init__(self, topic: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"a record of {size_bytes} bytes is over the {limit_bytes} that {topic} takes: "
            "send its content by reference, or send less"
        )
        self.topic = topic
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class EnvelopeTooLarge(RecordTooLarge):
    """The actor or the tenant has longer words than an input may carry (penstock.schemas.envelope_limits). Nothing
    was sent. Give who speaks a shorter subject, or fewer roles.
    """

    def __init__(self, topic: str, excess: Excess) -> None:
        super().__init__(topic, excess.size_bytes, excess.limit_bytes)
        self.args = (str(excess),)


class UnknownTopic(LogError):
    """The topic, or that partition of it, isn't there. Nothing was sent. `penstock up` makes the topics."""

    def __init__(self, topic: str, partition: int | None = None) -> None:
        place = topic if partition is None else f"partition {partition} of {topic}"
        super().__init__(f"there is no {place}: `penstock up` makes the topics of the catalogue")
        self.topic = topic
        self.partition = partition


class LogRefused(LogError):
    """The log refused for good, or was closed. Some records of the append may stand on it all the same. The
    log is unusable now: make a new one, read what stands there, and append what doesn't.
    """


class OwnerLost(Exception):
    """The in-memory log's way to say "this process died in the middle of an append" (`lose_after`). Not a
    LogError, because a dead process handles nothing: let it leave your code, and start a new owner.
    """


class BufferFull(LogError):
    """More records wait for the log's acknowledgement than the publisher may hold, and none was acknowledged
    in time. This one was not taken. Slow down or shed load: wait for receipts, answer 503 with Retry-After,
    or publish it again later under the same id.
    """

    def __init__(self, records_max: int, waited_s: float) -> None:
        super().__init__(
            f"{records_max} records are waiting for the log and none was acknowledged in {waited_s:g} s: "
            "this record was not taken; slow down and publish it again"
        )


class NotYetAcknowledged(LogError):
    """The log hasn't answered in time. The record may stand on it, or come to stand on it later: wait again,
    or publish it again under the same id, which is safe because an input counts once.
    """


class PublisherClosed(LogError):
    """The publisher was closed before this record was handed over. It was not taken: use an open one."""


class BrokerUnreachable(LogError):
    """No broker answered in time. Nothing was changed, as far as is known."""

    def __init__(self, bootstrap_servers: str, waited_s: float, detail: str) -> None:
        super().__init__(
            f"no broker at {bootstrap_servers} answered in {waited_s:g} s ({detail}): start it with "
            "`penstock up`, or set KAFKA_BOOTSTRAP_SERVERS to one that runs"
        )


class SigningError(Exception):
    """Base of everything that has to do with signing keys."""


class KeysMissing(SigningError):
    """There is no key file. `penstock up` makes one; elsewhere deploy it as a secret."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"there are no signing keys at {path}: `penstock up` makes them, once")


class KeysExist(SigningError):
    """A key file is there already, and making a new one would void every signature by the old keys."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"there are signing keys at {path} already: load them, or move the file away first")


class KeysExposed(SigningError):
    """Others can read the key file, so anyone could have signed."""

    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(
            f"{path} has mode {mode:04o}, so others can read or change the signing keys: `chmod 600 {path}`, "
            "and make new keys if anyone may have seen these"
        )


class KeysMalformed(SigningError):
    """The key file can't be read as one. The message never quotes what stands in it."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            f"{path} is not a file of signing keys ({detail}): restore it, or move it away and let "
            "`penstock up` make a new one"
        )


class NoSuchKey(SigningError):
    """The ring holds no key of that authority, so this process may not sign as such."""

    def __init__(self, authority: str) -> None:
        super().__init__(
            f"no signing key here is of authority {authority!r}: give this process the key file that has one"
        )
