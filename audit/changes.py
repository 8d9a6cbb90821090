"""What a turn of the projector writes: the rows of each table, new and changed."""

from dataclasses import dataclass

from penstock.audit.views.columns import Row
from penstock.audit.views.dead_letter import DeadLetterRow
from penstock.audit.views.feedback import FeedbackRow
from penstock.audit.views.operator_action import OperatorActionRow
from penstock.audit.views.run_attribute import RunAttributeRow
from penstock.audit.views.run_event import RunEventRow


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of one table: those that it lacks, those that it has otherwise."""

    new: tuple[Row, ...] = ()
    changed: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """The rows that a batch writes, each once, as they stand after it."""

    runs: Written
    calls: Written
    approvals: Written
    run_events: tuple[RunEventRow, ...]
    dead_letters: tuple[DeadLetterRow, ...]
    run_attributes: tuple[RunAttributeRow, ...] = ()
    actions: tuple[OperatorActionRow, ...] = ()
    feedback: tuple[FeedbackRow, ...] = ()
    schedules: Written = Written()
    schedule_events: tuple[RunEventRow, ...] = ()
