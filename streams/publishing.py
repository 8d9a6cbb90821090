"""Publish: a committed batch's events to the log, every delivery awaited, and a look at who else wrote there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from penstock.producers.log import Log, Outgoing, Record
from penstock.runtime.epochs import EpochFilter
from penstock.runtime.points import armed, reach
from penstock.streams.observing import stage
from penstock.streams.tenure import Tenure
from penstock.streams.writing import Written

S = TypeVar("S")


@dataclass(slots=True)
class Batch(Generic[S]):
    """What one partition's records came to. `position` is that of the input after them."""

    tenure: Tenure[S]
    position: int
    failed_in_a_row: int
    written: list[Written] = field(default_factory=list)
    events: list[Outgoing] = field(default_factory=list)
    dead_letters: list[Outgoing] = field(default_factory=list)


def publish(log: Log, batches: Sequence[Batch[Any]]) -> tuple[set[int], Sequence[Record]]:
    """Those partitions whose events nobody sees, because the log knows a later owner; and all other events, as
    they stand on the log."""
    events = [event for batch in batches for event in batch.events]
    stands: list[Record] = []
    if armed("mid-publish"):
        stands += log.append(events[: len(events) // 2])
        reach("mid-publish")
    if events:
        with stage("publish"):
            stands += log.append(events[len(stands) :])
    lost, at = set(), 0
    for batch in batches:
        stood, at = stands[at : at + len(batch.events)], at + len(batch.events)
        tenure = batch.tenure
        if stood and _has_company(tenure, stood) and _has_another_owner(log, tenure, stood[-1]):
            lost.add(tenure.partition)
        elif stood:
            tenure.events_position = stood[-1].offset + 1
    return lost, [record for record in stands if record.partition not in lost] if lost else stands


def _has_company(tenure: Tenure[Any], stood: Sequence[Record]) -> bool:
    """Whether other records stand before ours, or between them."""
    return stood[-1].offset + 1 - tenure.events_position != len(stood)


def _has_another_owner(log: Log, tenure: Tenure[Any], last: Record) -> bool:
    """Only the owner writes an events partition. Records between ours are a stranger's, or those of an owner
    that another database made: then ours are seen by nobody, and the partition must be taken anew, which goes
    beyond that owner's epoch, or the stranger's."""
    epochs = EpochFilter({(last.topic, tenure.partition): tenure.epoch})
    for record in log.read(last.topic, tenure.partition, tenure.events_position, last.offset):
        epochs.admit(record)
    return epochs.state()[last.topic, tenure.partition] > tenure.epoch
