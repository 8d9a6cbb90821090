"""The comparison: rounds in which each side has the machine for itself, then the kills, then the figures.

A side's servers stand all the time and idle while another is measured; its workers run only in its own turn.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from typing import Final

from bench.figures import Figures
from bench.peers import dbos_side, packages, restate_side
from bench.peers.counting import Found, Stretch, orders, ratio
from bench.peers.killing import Killed, kills, repeated
from bench.peers.ours import ours
from bench.peers.side import Side

NAMES: Final = ("ours", "dbos", "restate")
_ANY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Lengths:
    """Seconds of a round's parts, rounds, and kills a side."""

    warm_up_s: float
    alone_s: float
    load_s: float
    rounds: int
    kills: int


FULL: Final = Lengths(warm_up_s=20, alone_s=8, load_s=20, rounds=3, kills=3)
QUICK: Final = Lengths(warm_up_s=3, alone_s=1.5, load_s=4, rounds=1, kills=0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--in-flight", type=int, default=150, help="reviews at a time (default 150)")
    parser.add_argument("--only", action="append", choices=NAMES, help="leave the others out; then no ratio")
    parser.add_argument("--rounds", type=int, help=f"of each side (default {FULL.rounds}, quick 1)")
    parser.add_argument("--kills", type=int, help=f"of each side (default {FULL.kills}, quick none)")
    parser.add_argument("--kill-in-flight", type=int, default=200, help="reviews in a kill (default 200)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Install what is missing, stand everything, rounds, kills; at last, if there is time, peers as installed."""
    packages.ensure(tell)
    lengths = QUICK if arguments.quick else FULL
    rounds = lengths.rounds if arguments.rounds is None else arguments.rounds
    kill_times = lengths.kills if arguments.kills is None else arguments.kills
    names = arguments.only or list(NAMES)
    with ExitStack() as standing:
        sides = {name: standing.enter_context(_stand(name, tell, lean=arguments.quick)) for name in names}
        found = {name: Found() for name in names}
        for turn in orders(names, rounds):
            for name in turn:
                _round(sides[name], found[name], arguments.in_flight, lengths, tell)
        killed = {
            name: kills(side, kill_times, arguments.kill_in_flight, tell) for name, side in sides.items()
        }
        settings = {name: side.settings() for name, side in sides.items()}
    installed = {} if arguments.quick else _as_installed(names, arguments.in_flight, lengths, tell)
    details = {
        "in_flight": arguments.in_flight,
        "lengths": asdict(lengths),
        "settings": settings,
        "peers_packages": packages.versions(),
        "as_installed": installed,
    }
    return _figures(found, killed, details, rounds)


def _round(side: Side, found: Found, in_flight: int, lengths: Lengths, tell: Callable[[str], None]) -> None:
    side.begin()
    try:
        side.load(_ANY, min(in_flight, 50), lengths.warm_up_s)
        found.alone.append(side.load(_ANY, 1, lengths.alone_s))
        found.under_load.append(side.load(_ANY, in_flight, lengths.load_s))
    finally:
        side.end()
    now = found.under_load[-1]
    alone = Found(alone=[found.alone[-1]], under_load=[now]).figures()
    tell(
        f"{side.name}: {now.runs_per_s:.0f} runs/s, {alone['cpu_ms_per_run']:.1f} CPU ms a run, one at a time "
        f"p50 {alone['alone_p50_ms']:.0f} ms; others used {now.others_share:.0%} of the machine"
    )


def _as_installed(
    names: Sequence[str], in_flight: int, lengths: Lengths, tell: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """One round of each peer as its packages come, for the record."""
    found: dict[str, dict[str, float]] = {}
    for name, made in (("dbos", _dbos_as_installed), ("restate", _restate_as_installed)):
        if name in names:
            with made(tell) as side:
                seen = Found()
                _round(side, seen, in_flight, lengths, tell)
            found[name] = seen.figures()
    return found


def _stand(name: str, tell: Callable[[str], None], *, lean: bool) -> AbstractContextManager[Side]:
    if name == "ours":
        return ours(tell, lean=lean)
    return dbos_side.dbos(tell) if name == "dbos" else restate_side.restate(tell)


def _dbos_as_installed(tell: Callable[[str], None]) -> AbstractContextManager[Side]:
    return dbos_side.dbos(tell, "dbos as installed", dbos_side.INSTALLED)


def _restate_as_installed(tell: Callable[[str], None]) -> AbstractContextManager[Side]:
    return restate_side.restate(tell, "restate as installed", restate_side.INSTALLED)


def _figures(
    found: Mapping[str, Found],
    killed: Mapping[str, Sequence[Killed]],
    details: Mapping[str, object],
    rounds: int,
) -> Figures:
    by_side = {name: one.figures() for name, one in found.items()} if rounds else {}
    line = {f"{name}_{key}": value for name, figures in by_side.items() for key, value in figures.items()}
    line |= {f"{name}_repeated_effects": repeated(kills) for name, kills in killed.items() if kills}
    best = ""
    if len(by_side) > 1 and "ours" in by_side:
        # The last, because it is what the line ends with.
        line["ratio"], best = ratio({name: one["runs_per_s"] for name, one in by_side.items()}, "ours")
    told: dict[str, object] = {
        "best_peer": best,
        "rounds": {name: [_told(stretch) for stretch in one.under_load] for name, one in found.items()},
        "cpu_ms_by_process": {name: one.cpu_by_process() for name, one in found.items()},
        "kills": {name: [asdict(one) for one in kills] for name, kills in killed.items()},
    }
    return Figures("peers", line, {**details, **told})


def _told(stretch: Stretch) -> dict[str, object]:
    return {
        "runs": len(stretch.latencies_ms),
        "runs_per_s": stretch.runs_per_s,
        "cpu_ms": stretch.cpu_ms(),
        "others_cpu_share": stretch.others_share,
    }
