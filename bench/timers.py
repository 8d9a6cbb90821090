"""Where a runner's time goes, measured at its ports from outside; the product isn't touched.

A method of one object is replaced by one that takes the time of its calls, which adds about 1 us to each. The
methods are chosen so that none of them calls another.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# Phases of a runner, by the port and the method that they stand behind; the rest is the runner itself.
CODEC: Final = {"decode_input": "decode", "encode": "encode", "decode_event": "decode_histories"}
KEYRING: Final = {"verify": "verify"}
DECIDER: Final = {"decide": "decide", "evolve": "evolve"}
JOURNAL: Final = {"histories": "load_histories", "commit": "commit"}
LOG: Final = {"append": "publish"}
HANDLE: Final = "handle"


@dataclass(slots=True)
class Phase:
    """What a phase has taken in all its calls: seconds of CPU in its thread, and seconds by the clock."""

    calls: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0


@dataclass(slots=True)
class Timers:
    """The phases by name. One thread at a time."""

    phases: dict[str, Phase] = field(default_factory=dict)

    def watch(self, target: object, methods: Mapping[str, str]) -> None:
        """Take the time of these methods of one object, each under a name."""
        for method, name in methods.items():
            setattr(target, method, self._timed(name, getattr(target, method)))

    def report(self, records: int) -> dict[str, dict[str, float]]:
        """Microseconds a record, of CPU and by the clock; `rest` is what no port took of `handle`."""
        whole = self.phases[HANDLE]
        parts = {name: phase for name, phase in self.phases.items() if name != HANDLE}
        rest = Phase(
            whole.calls,
            whole.cpu_s - sum(phase.cpu_s for phase in parts.values()),
            whole.wall_s - sum(phase.wall_s for phase in parts.values()),
        )
        return {
            name: {
                "calls": phase.calls,
                "cpu_us_per_record": 1e6 * phase.cpu_s / records,
                "wall_us_per_record": 1e6 * phase.wall_s / records,
            }
            for name, phase in {**parts, "rest": rest, HANDLE: whole}.items()
        }

    def _timed(self, name: str, method: Callable[P, R]) -> Callable[P, R]:
        phase = self.phases.setdefault(name, Phase())

        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            cpu_s, wall_s = time.thread_time(), time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                phase.wall_s += time.perf_counter() - wall_s
                phase.cpu_s += time.thread_time() - cpu_s
                phase.calls += 1

        return timed
