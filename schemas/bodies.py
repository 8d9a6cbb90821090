"""Every input, event and fact. Generated from the .avsc files: never edited, made anew by
`python -m penstock.schemas.generate`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from penstock.schemas.log import wire as log_wire
from penstock.schemas.log.records import (
    DiscardInput,
    InputAccepted,
    InputDiscarded,
    InputParked,
    InputRefused,
    InputReleased,
    PartitionTaken,
    ReleaseInput,
)
from penstock.schemas.operator import wire as operator_wire
from penstock.schemas.operator.records import (
    OperatorActed,
)
from penstock.schemas.run import wire as run_wire
from penstock.schemas.run.records import (
    ApprovalDelegated,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    CancelRun,
    CastVote,
    CompleteToolCall,
    ContinueRun,
    DeferToolCall,
    DelegateApproval,
    EscalateApproval,
    FailToolCall,
    FeedbackGiven,
    FireTimer,
    GiveFeedback,
    LateAnswer,
    MigrateRun,
    PauseRun,
    ReportLostLease,
    ResumeRun,
    RunCancelled,
    RunCompleted,
    RunContinued,
    RunEnding,
    RunFailed,
    RunMigrated,
    RunPaused,
    RunResumed,
    RunStalled,
    RunStarted,
    SettleToolCall,
    SignalReceived,
    SignalRun,
    StartRun,
    StartToolCall,
    TimerArmed,
    TimerFired,
    TimerRearmed,
    ToolCallCompleted,
    ToolCallDeferred,
    ToolCallFailed,
    ToolCallHeld,
    ToolCallInDoubt,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
    VoteCounted,
    VoteRefused,
)
from penstock.schemas.schedule import wire as schedule_wire
from penstock.schemas.schedule.records import (
    CreateSchedule,
    DeleteSchedule,
    FireSchedule,
    PauseSchedule,
    ReportRunRequested,
    ResumeSchedule,
    ReviseSchedule,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleFired,
    ScheduleMissed,
    SchedulePaused,
    ScheduleRearmed,
    ScheduleResumed,
    ScheduleRevised,
    ScheduleRunRequested,
    TriggerSchedule,
)

InputBody: TypeAlias = (
    DiscardInput
    | ReleaseInput
    | CancelRun
    | CastVote
    | CompleteToolCall
    | ContinueRun
    | DeferToolCall
    | DelegateApproval
    | EscalateApproval
    | FailToolCall
    | FireTimer
    | GiveFeedback
    | MigrateRun
    | PauseRun
    | ReportLostLease
    | ResumeRun
    | SettleToolCall
    | SignalRun
    | StartRun
    | StartToolCall
    | CreateSchedule
    | DeleteSchedule
    | FireSchedule
    | PauseSchedule
    | ReportRunRequested
    | ResumeSchedule
    | ReviseSchedule
    | TriggerSchedule
)
INPUTS: Final[Mapping[str, type[InputBody]]] = {
    "penstock.log.DiscardInput": DiscardInput,
    "penstock.log.ReleaseInput": ReleaseInput,
    "penstock.run.CancelRun": CancelRun,
    "penstock.run.CastVote": CastVote,
    "penstock.run.CompleteToolCall": CompleteToolCall,
    "penstock.run.ContinueRun": ContinueRun,
    "penstock.run.DeferToolCall": DeferToolCall,
    "penstock.run.DelegateApproval": DelegateApproval,
    "penstock.run.EscalateApproval": EscalateApproval,
    "penstock.run.FailToolCall": FailToolCall,
    "penstock.run.FireTimer": FireTimer,
    "penstock.run.GiveFeedback": GiveFeedback,
    "penstock.run.MigrateRun": MigrateRun,
    "penstock.run.PauseRun": PauseRun,
    "penstock.run.ReportLostLease": ReportLostLease,
    "penstock.run.ResumeRun": ResumeRun,
    "penstock.run.SettleToolCall": SettleToolCall,
    "penstock.run.SignalRun": SignalRun,
    "penstock.run.StartRun": StartRun,
    "penstock.run.StartToolCall": StartToolCall,
    "penstock.schedule.CreateSchedule": CreateSchedule,
    "penstock.schedule.DeleteSchedule": DeleteSchedule,
    "penstock.schedule.FireSchedule": FireSchedule,
    "penstock.schedule.PauseSchedule": PauseSchedule,
    "penstock.schedule.ReportRunRequested": ReportRunRequested,
    "penstock.schedule.ResumeSchedule": ResumeSchedule,
    "penstock.schedule.ReviseSchedule": ReviseSchedule,
    "penstock.schedule.TriggerSchedule": TriggerSchedule,
}

EventBody: TypeAlias = (
    InputAccepted
    | InputDiscarded
    | InputParked
    | InputRefused
    | InputReleased
    | PartitionTaken
    | ApprovalDelegated
    | ApprovalEscalated
    | ApprovalExpired
    | ApprovalGranted
    | ApprovalRefused
    | ApprovalRequested
    | FeedbackGiven
    | LateAnswer
    | RunCancelled
    | RunCompleted
    | RunContinued
    | RunEnding
    | RunFailed
    | RunMigrated
    | RunPaused
    | RunResumed
    | RunStalled
    | RunStarted
    | SignalReceived
    | TimerArmed
    | TimerFired
    | TimerRearmed
    | ToolCallCompleted
    | ToolCallDeferred
    | ToolCallFailed
    | ToolCallHeld
    | ToolCallInDoubt
    | ToolCallRefused
    | ToolCallRequested
    | ToolCallStarted
    | VoteCounted
    | VoteRefused
    | ScheduleCreated
    | ScheduleDeleted
    | ScheduleFired
    | ScheduleMissed
    | SchedulePaused
    | ScheduleRearmed
    | ScheduleResumed
    | ScheduleRevised
    | ScheduleRunRequested
)
EVENTS: Final[Mapping[str, type[EventBody]]] = {
    "penstock.log.InputAccepted": InputAccepted,
    "penstock.log.InputDiscarded": InputDiscarded,
    "penstock.log.InputParked": InputParked,
    "penstock.log.InputRefused": InputRefused,
    "penstock.log.InputReleased": InputReleased,
    "penstock.log.PartitionTaken": PartitionTaken,
    "penstock.run.ApprovalDelegated": ApprovalDelegated,
    "penstock.run.ApprovalEscalated": ApprovalEscalated,
    "penstock.run.ApprovalExpired": ApprovalExpired,
    "penstock.run.ApprovalGranted": ApprovalGranted,
    "penstock.run.ApprovalRefused": ApprovalRefused,
    "penstock.run.ApprovalRequested": ApprovalRequested,
    "penstock.run.FeedbackGiven": FeedbackGiven,
    "penstock.run.LateAnswer": LateAnswer,
    "penstock.run.RunCancelled": RunCancelled,
    "penstock.run.RunCompleted": RunCompleted,
    "penstock.run.RunContinued": RunContinued,
    "penstock.run.RunEnding": RunEnding,
    "penstock.run.RunFailed": RunFailed,
    "penstock.run.RunMigrated": RunMigrated,
    "penstock.run.RunPaused": RunPaused,
    "penstock.run.RunResumed": RunResumed,
    "penstock.run.RunStalled": RunStalled,
    "penstock.run.RunStarted": RunStarted,
    "penstock.run.SignalReceived": SignalReceived,
    "penstock.run.TimerArmed": TimerArmed,
    "penstock.run.TimerFired": TimerFired,
    "penstock.run.TimerRearmed": TimerRearmed,
    "penstock.run.ToolCallCompleted": ToolCallCompleted,
    "penstock.run.ToolCallDeferred": ToolCallDeferred,
    "penstock.run.ToolCallFailed": ToolCallFailed,
    "penstock.run.ToolCallHeld": ToolCallHeld,
    "penstock.run.ToolCallInDoubt": ToolCallInDoubt,
    "penstock.run.ToolCallRefused": ToolCallRefused,
    "penstock.run.ToolCallRequested": ToolCallRequested,
    "penstock.run.ToolCallStarted": ToolCallStarted,
    "penstock.run.VoteCounted": VoteCounted,
    "penstock.run.VoteRefused": VoteRefused,
    "penstock.schedule.ScheduleCreated": ScheduleCreated,
    "penstock.schedule.ScheduleDeleted": ScheduleDeleted,
    "penstock.schedule.ScheduleFired": ScheduleFired,
    "penstock.schedule.ScheduleMissed": ScheduleMissed,
    "penstock.schedule.SchedulePaused": SchedulePaused,
    "penstock.schedule.ScheduleRearmed": ScheduleRearmed,
    "penstock.schedule.ScheduleResumed": ScheduleResumed,
    "penstock.schedule.ScheduleRevised": ScheduleRevised,
    "penstock.schedule.ScheduleRunRequested": ScheduleRunRequested,
}

FactBody: TypeAlias = OperatorActed
FACTS: Final[Mapping[str, type[FactBody]]] = {
    "penstock.operator.OperatorActed": OperatorActed,
}

# Reading and writing the fields behind meta, by the record's full name.
READERS: Final[Mapping[str, Callable[[bytes, int], tuple[Any, int]]]] = {
    **log_wire.READERS,
    **operator_wire.READERS,
    **run_wire.READERS,
    **schedule_wire.READERS,
}
WRITERS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    **log_wire.WRITERS,
    **operator_wire.WRITERS,
    **run_wire.WRITERS,
    **schedule_wire.WRITERS,
}
