"""What an operator does with rebuilds: it stands on the log, signed by this home's key, before it is done."""

import dataclasses
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from penstock.audit import shadow as shadows
from penstock.audit.leftovers import Leftovers, leftovers
from penstock.audit.projector import GC_OBJECTS
from penstock.audit.row_diff import TableDiff
from penstock.audit.shadowing import Rebuilding, Tell, alone, asked_tables, resumed, total
from penstock.cli.deeds import Words, insist_on_reason, words_of
from penstock.cli.screen import complain
from penstock.cli.speaking import SOURCE
from penstock.producers.kafka import KafkaLog
from penstock.producers.signing import Keyring
from penstock.runtime.postgres import Connected, connect
from penstock.runtime.settings import Settings

REBUILD = "views.rebuild"
SWAP = "views.swap"
DROP = "views.drop"


@dataclass(frozen=True, slots=True)
class Found:
    """What the comparison found, view by view."""

    diffs: Sequence[TableDiff]

    @property
    def differences(self) -> int:
        """How many rows aren't the same, in all views."""
        return total(self.diffs)


class Work:
    """A rebuild under way."""

    def __init__(self, connection: Connected, rebuilding: Rebuilding, words: Words, reason: str) -> None:
        self._connection = connection
        self._rebuilding = rebuilding
        self._words = words
        self._shadow = rebuilding.shadow
        self._reason = reason or self._shadow.reason

    @property
    def ident(self) -> str:
        """The rebuild's id."""
        return self._shadow.ident

    def catch_up(self, tell: Tell) -> None:
        """Fold the log up to where the views are, nearly."""
        self._rebuilding.catch_up(tell)

    def compare(self, first: int) -> Found:
        """The row diff, with so many rows of each view in full."""
        return Found(self._rebuilding.compare(first))

    def swap(self, found: Found) -> str:
        """Put the new tables in place; the schema that the old ones are kept in. Raises SwapRefused."""
        counts = {diff.view: _counts(diff) for diff in found.diffs}
        detail = {"rebuild": self.ident, "views": counts, "before": self._shadow.before}
        self._words.say(SWAP, self._shadow.asked, self._reason, detail)
        return self._rebuilding.swap()

    def drop(self) -> None:
        """Remove the shadow, if it is there still."""
        if shadows.found(self._connection) is not None:
            shadows.remove(self._connection, self._shadow.schema)


@contextmanager
def at_work(settings: Settings, view: str, who: str, reason: str, *, resume: bool) -> Iterator[Work]:
    """The rebuild of a view or of all, begun now or gone on with. Raises SetupError for what is in the way."""
    if not resume:
        insist_on_reason(reason)
    with alone(settings) as connection, words_of(settings, who) as words:
        if resume:
            shadow = resumed(connection, view)
        else:
            asked_tables(connection, view)
            shadows.refuse_a_second(connection)
            ident = shadows.new_ident()
            words.say(REBUILD, view, reason, {"rebuild": ident})
            shadow = shadows.make(connection, ident, view, who, reason)
        kept = KafkaLog(settings.kafka_bootstrap_servers, SOURCE)
        # As in the projector: a batch is many small objects without cycles.
        gc.freeze()
        gc.set_threshold(GC_OBJECTS, 20, 50)
        try:
            keyring = Keyring.load(settings.keys_file)
            rebuilding = Rebuilding(connection, kept, keyring, settings, shadow)
            yield Work(connection, rebuilding, words, reason)
        except KeyboardInterrupt:
            complain(
                "stopped: `penstock rebuild --resume` goes on, `penstock rebuild --drop` removes the shadow"
            )
            raise
        finally:
            kept.close()


def left(settings: Settings) -> Leftovers:
    """What rebuilds have left. Raises DatabaseAway."""
    with connect(settings, application_name=SOURCE) as connection:
        return leftovers(connection)


def drop(settings: Settings, who: str, reason: str) -> Sequence[str]:
    """Remove all that; the schemas that are gone. Raises RebuildUnderWay, SetupError."""
    with alone(settings) as connection, words_of(settings, who) as words:
        there = leftovers(connection)
        names = [*([there.begun.rebuild] if there.begun else []), *there.before]
        if names:
            words.say(DROP, "rebuilds", reason, {"dropped": names})
        return shadows.drop(connection)


def document(ident: str, found: Found, swapped: bool, before: str) -> dict[str, Any]:
    """The same for programs."""
    views = [{**dataclasses.asdict(diff), "differences": diff.differences} for diff in found.diffs]
    return {
        "rebuild": ident,
        "differences": found.differences,
        "views": views,
        "swapped": swapped,
        "before": before or None,
    }


def _counts(diff: TableDiff) -> dict[str, object]:
    return {
        "only_in_views": diff.only_in_views,
        "only_in_log": diff.only_in_log,
        "differ": diff.differ,
        "rows": diff.rows,
    }
