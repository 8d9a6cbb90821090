"""The catalogue: every topic, who writes it, what may stand on it. The only place that names a topic."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

Group: TypeAlias = Literal[
    "penstock.streams.runs",
    "penstock.streams.tools",
    "penstock.streams.timers",
    "penstock.streams.schedules",
    "penstock.streams.firing",
    "penstock.streams.webhooks",
    "penstock.audit.views",
]
RUNS_GROUP: Final = "penstock.streams.runs"
TOOLS_GROUP: Final = "penstock.streams.tools"
TIMERS_GROUP: Final = "penstock.streams.timers"
SCHEDULES_GROUP: Final = "penstock.streams.schedules"
FIRING_GROUP: Final = "penstock.streams.firing"
WEBHOOKS_GROUP: Final = "penstock.streams.webhooks"
VIEWS_GROUP: Final = "penstock.audit.views"

RUN_INBOX: Final = "penstock.run.inbox"
RUN_EVENTS: Final = "penstock.run.events"
SCHEDULE_INBOX: Final = "penstock.schedule.inbox"
SCHEDULE_EVENTS: Final = "penstock.schedule.events"
OPERATOR_ACTIONS: Final = "penstock.operator.actions"

PARTITIONS: Final = 6
RECORD_BYTES_MAX: Final = 1024 * 1024
# An event may hold a whole input (InputParked) beside its own envelope.
EVENT_BYTES_MAX: Final = 2 * RECORD_BYTES_MAX
# A dead letter is the original record with more headers: it must fit where the original just fitted.
DEAD_LETTER_BYTES_MAX: Final = EVENT_BYTES_MAX + 64 * 1024


def _kept_for_good(record_bytes_max: int) -> Mapping[str, str]:
    return MappingProxyType(
        {
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(record_bytes_max),
            # The limit is one of what readers get, not of what a stranger has made small: the broker unpacks it.
            "compression.type": "uncompressed",
        }
    )


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `records` are the full names of what may stand on it; empty for dead letters, which keep
    whatever bytes arrived. `config` is the broker's topic configuration. `consumers` are its groups.
    """

    name: str
    owner: str
    key: str
    records: tuple[str, ...]
    consumers: tuple[str, ...] = ()
    partitions: int = PARTITIONS
    config: Mapping[str, str] = field(default_factory=lambda: _kept_for_good(RECORD_BYTES_MAX), hash=False)
    doc: str = ""


def dead_letter_topic(topic: str, group: str) -> str:
    """Where a consumer group puts the records of a topic that it can't take."""
    return f"{topic}.{group}.dlq"


def subject(topic: str, record: str) -> str:
    """The registry's subject of a record on a topic, by TopicRecordNameStrategy."""
    return f"{topic}-{record}"


def _names(namespace: str, names: str) -> tuple[str, ...]:
    return tuple(f"{namespace}.{name}" for name in names.split())


# What every inbox and every events topic may hold, whatever its noun.
_ANY_INBOX: Final = _names("penstock.log", "ReleaseInput DiscardInput")
_ANY_EVENTS: Final = _names(
    "penstock.log", "InputAccepted InputRefused InputParked InputReleased InputDiscarded PartitionTaken"
)
_RUN_INPUTS: Final = _names(
    "penstock.run",
    "StartRun CancelRun CastVote StartToolCall CompleteToolCall FailToolCall ReportLostLease SettleToolCall"
    " FireTimer ResumeRun SignalRun PauseRun ContinueRun DelegateApproval"
    " EscalateApproval MigrateRun DeferToolCall GiveFeedback",
)
_RUN_EVENTS: Final = _names(
    "penstock.run",
    "RunStarted ToolCallRequested ToolCallStarted ToolCallCompleted ToolCallFailed ToolCallRefused"
    " ToolCallInDoubt LateAnswer TimerArmed TimerRearmed TimerFired ApprovalRequested ApprovalGranted"
    " ApprovalRefused ApprovalExpired VoteRefused RunEnding RunCompleted RunFailed RunCancelled RunStalled"
    " RunResumed SignalReceived VoteCounted RunPaused RunContinued ToolCallHeld"
    " ApprovalDelegated ApprovalEscalated RunMigrated ToolCallDeferred FeedbackGiven",
)
_SCHEDULE_INPUTS: Final = _names(
    "penstock.schedule",
    "CreateSchedule ReviseSchedule PauseSchedule ResumeSchedule TriggerSchedule DeleteSchedule FireSchedule"
    " ReportRunRequested",
)
_SCHEDULE_EVENTS: Final = _names(
    "penstock.schedule",
    "ScheduleCreated ScheduleRevised SchedulePaused ScheduleResumed ScheduleFired ScheduleMissed ScheduleRearmed"
    " ScheduleRunRequested ScheduleDeleted",
)

NOUN_TOPICS: Final = (
    Topic(
        name=RUN_INBOX,
        owner="anyone with the right: producers, the API, effectors",
        key="run id",
        records=_RUN_INPUTS + _ANY_INBOX,
        consumers=(RUNS_GROUP,),
        doc="Commands to runs, and answers to what runs asked for.",
    ),
    Topic(
        name=RUN_EVENTS,
        owner=RUNS_GROUP,
        key="run id; of PartitionTaken the partition's own id",
        records=_RUN_EVENTS + _ANY_EVENTS,
        consumers=(TOOLS_GROUP, TIMERS_GROUP, WEBHOOKS_GROUP, VIEWS_GROUP),
        config=_kept_for_good(EVENT_BYTES_MAX),
        doc="The histories of runs, each in the order of its entity_seq.",
    ),
    Topic(
        name=SCHEDULE_INBOX,
        owner="the API and the command line; the effector that fires schedules",
        key="schedule id",
        records=_SCHEDULE_INPUTS + _ANY_INBOX,
        consumers=(SCHEDULES_GROUP,),
        doc="Commands to schedules, and that a due time of theirs has come.",
    ),
    Topic(
        name=SCHEDULE_EVENTS,
        owner=SCHEDULES_GROUP,
        key="schedule id; of PartitionTaken the partition's own id",
        records=_SCHEDULE_EVENTS + _ANY_EVENTS,
        consumers=(FIRING_GROUP, VIEWS_GROUP),
        config=_kept_for_good(EVENT_BYTES_MAX),
        doc="The histories of schedules, each in the order of its entity_seq.",
    ),
    Topic(
        name=OPERATOR_ACTIONS,
        owner="the API and the command line, with their keys",
        key="the operator's tenant, by its id",
        records=_names("penstock.operator", "OperatorActed"),
        consumers=(VIEWS_GROUP,),
        doc="What operators did: who, what, why. Facts: there is no inbox and no decider, for the door has judged who"
        " may, and what was done can't be refused afterwards. What a door's key didn't sign counts for nothing.",
    ),
)


def _dead_letters() -> Iterator[Topic]:
    for topic in NOUN_TOPICS:
        for group in topic.consumers:
            yield Topic(
                name=dead_letter_topic(topic.name, group),
                owner=group,
                key="the original record's",
                records=(),
                partitions=topic.partitions,
                config=_kept_for_good(DEAD_LETTER_BYTES_MAX),
                doc=f"What {group} couldn't take from {topic.name}, byte for byte.",
            )


ALL_TOPICS: Final[tuple[Topic, ...]] = (*NOUN_TOPICS, *_dead_letters())
BY_NAME: Final[Mapping[str, Topic]] = MappingProxyType({topic.name: topic for topic in ALL_TOPICS})


def topics_of(record: str) -> tuple[Topic, ...]:
    """The topics on which a record (by full name) may stand, in the catalogue's order."""
    return tuple(topic for topic in NOUN_TOPICS if record in topic.records)
