"""From events of schedules to the rows of their views, without IO."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from penstock.audit.changes import Changes
from penstock.audit.projection import Event, SequenceGap, written
from penstock.audit.views import dead_letter, run_event, schedule
from penstock.audit.views.columns import Row
from penstock.audit.views.run_event import RunEventRow
from penstock.schemas.topics import VIEWS_GROUP


def fold(events: Sequence[Event], rows: Mapping[str, Row], changes: Changes, deployment: str) -> Changes:
    """What a batch writes with these events as well. It changes `rows`, which has one, maybe empty, for each schedule;
    events folded before change nothing."""
    told: list[RunEventRow] = []
    dead_letters = list(changes.dead_letters)
    touched: dict[str, bool] = {}
    for event in events:
        meta, row = event.meta, rows[event.meta.entity_id]
        last = row.get("last_seq") or 0
        if not isinstance(last, int) or meta.entity_seq <= last:
            continue
        if meta.entity_seq > last + 1:
            gap = SequenceGap(f"seq {meta.entity_seq} follows {last} in schedule {meta.entity_id}")
            dead_letters.append(dead_letter.unprojectable(event.record, VIEWS_GROUP, gap, deployment))
        touched.setdefault(meta.entity_id, not row)
        row |= schedule.project(row, meta, event.body)
        told.append(run_event.project(event.record, meta, event.body))
    return replace(
        changes,
        schedules=written((rows[key], new) for key, new in touched.items()),
        schedule_events=tuple(told),
        dead_letters=tuple(dead_letters),
    )
