"""A run in one decider, as its host holds it, whose workflow says when its code begins anew."""

from dataclasses import replace

from penstock import Run, workflow
from penstock.producers.signing import Authority
from penstock.schemas.codec import InputBody
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.ids import derived_id, run_id
from penstock.schemas.run.records import CompleteToolCall, StartToolCall
from penstock.streams.decider import Input
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.state import RunState

from .acts import completes
from .cases import Case, application, look_up, notify
from .given import APP, BEGIN_MS, SERVICE, TENANT, start

BEGUN: list[str] = []


@workflow("it", version=1, max_steps=100_000, deadline=None)
async def reads_on(run: Run, case: Case) -> str:
    """One read after the other until the end is found. It says when its code begins: each replay does that again."""
    BEGUN.append(run.id)
    found = ""
    while found != "end":
        found = await run.tool(look_up, case_id="b" if found == "other" else "a")
        if found == "tell":
            await run.tool(notify, to="customer")
        if found == "odd":
            raise LookupError("odd")
    return found


class Live:
    """One decider, and a run in it as its host holds it: the state that was decided last."""

    def __init__(self, decider: RunDecider | None = None, key: str = "a-key") -> None:
        BEGUN.clear()
        self.decider = decider or RunDecider(application(reads_on))
        self.run_id = run_id(TENANT, key)
        self.state = self.decider.initial(TENANT, self.run_id)

    def given(self, body: InputBody, authority: Authority = Authority.TOOLS) -> Input:
        meta = InputMeta(
            id=derived_id(self.run_id, str(self.state.seq)),
            type=type(body).__name__,
            tenant=TENANT,
            entity_id=self.run_id,
            time_ms=0,
            actor=APP if authority is Authority.APP else SERVICE,
        )
        return Input(meta, self.own(body), authority, BEGIN_MS + self.state.seq)

    def own(self, body: InputBody) -> InputBody:
        """The acts speak of the one run of all stories: this is about ours."""
        if isinstance(body, CompleteToolCall | StartToolCall):
            return replace(body, call_id=derived_id(self.run_id, f"call:{len(self.state.steps)}"))
        return body

    def after(self, given: Input) -> RunState:
        seq, time_ms = self.state.seq, max(self.state.time_ms, given.time_ms)
        return self.decider.decide_folded(self.state, given, seq, time_ms).state

    def take(self, body: InputBody, authority: Authority = Authority.TOOLS) -> "Live":
        self.state = self.after(self.given(body, authority))
        return self

    def begin(self) -> "Live":
        return self.take(start("it", {"case_id": "c"}), Authority.APP)

    def read(self, times: int = 1, found: str = "more") -> "Live":
        for _ in range(times):
            self.take(completes(1, found))
        return self
