"""What one input causes: the events so far, and the state with them folded in."""

from penstock.declare.application import Application
from penstock.schemas.codec import EventBody
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import LateAnswer
from penstock.streams.decider import Input
from penstock.streams.runs.folding import fold
from penstock.streams.runs.replay import Execution
from penstock.streams.runs.state import RunState
from penstock.streams.runs.watching import Watchdog


class Consequences:
    """Grows while an input is decided. `time_ms` is the log time that everything in it happens at.

    The given state comes after `seq` events and stays as it is; `execution` is the live one of it, if there is one.
    """

    def __init__(
        self,
        application: Application,
        state: RunState,
        given: Input,
        seq: int,
        time_ms: int,
        execution: Execution | None,
        watchdog: Watchdog,
    ) -> None:
        self.application = application
        self._before = state
        self.state = state.copy()
        self.given = given
        self.seq = seq
        self.time_ms = time_ms
        self.execution = execution
        self.watchdog = watchdog
        self.events: list[EventBody] = []

    def emit(self, body: EventBody) -> None:
        """One more event."""
        self.events.append(body)
        fold(self.state, body, self.seq + len(self.events), self.time_ms)

    def fold_anew(self) -> None:
        """After an interruption, which may have come in the middle of a fold: the events are what counts."""
        self.state = self._before.copy()
        for number, body in enumerate(self.events, start=1):
            fold(self.state, body, self.seq + number, self.time_ms)

    def accept(self, note: str) -> None:
        """Nothing else follows, and that is right."""
        self.emit(InputAccepted(input_type=type(self.given.body).__name__, note=note))

    def refuse(self, reason: str, detail: str = "") -> None:
        """Nothing follows, because it wasn't allowed or doesn't fit."""
        self.emit(InputRefused(input_type=type(self.given.body).__name__, reason=reason, detail=detail))

    def late(self, call_id: str, attempt: int, detail: str) -> None:
        """An answer that came after another one had settled the call (law L8)."""
        input_type = type(self.given.body).__name__
        self.emit(LateAnswer(call_id=call_id, attempt=attempt, input_type=input_type, detail=detail))
