"""What one input causes: the events so far, and the state with them folded in."""

from penstock.declare.application import Application
from penstock.schemas.codec import EventBody
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import LateAnswer
from penstock.streams.decider import Happened, Input
from penstock.streams.runs.folding import evolve
from penstock.streams.runs.replay import Replay
from penstock.streams.runs.state import RunState
from penstock.streams.runs.watching import Watchdog


class Consequences:
    """Grows while an input is decided. `time_ms` is the log time that everything in it happens at."""

    def __init__(
        self, application: Application, state: RunState, given: Input, replay: Replay, watchdog: Watchdog
    ) -> None:
        self.application = application
        self.state = state
        self.given = given
        self.replay = replay
        self.watchdog = watchdog
        self.time_ms = max(state.time_ms, given.time_ms)
        self.events: list[EventBody] = []

    def emit(self, body: EventBody) -> None:
        """One more event."""
        self.events.append(body)
        self.state = evolve(self.state, Happened(body, self.state.seq + 1, self.time_ms))

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
