"""`make chaos`: one round (`--seed 7 --quick`), many (`--rounds 200 --from 1`), or what they came to (`--summary`)."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.chaos.matrix import results
from tests.chaos.matrix.harm import HarmFailed
from tests.chaos.matrix.round import History, Outcome, play
from tests.chaos.matrix.schedule import TOPOLOGIES, Schedule, schedule
from tests.chaos.matrix.simulated import simulate_all
from tests.chaos.matrix.site import Site

# A verdict reads the whole log: on a new site after so many rounds it stays quick.
ROUNDS_A_SITE: Final = 12


def main(words: Sequence[str]) -> int:
    """The exit code: 0 if all rounds were ok, 1 if one was broken, 2 if the harness failed."""
    parser = argparse.ArgumentParser(prog="make chaos ARGS=…", description=__doc__)
    parser.add_argument(
        "--seed",
        type=int,
        nargs="+",
        default=[1],
        help="a round of each, and the last's verdict as the last line",
    )
    parser.add_argument("--quick", action="store_true", help="less load, shorter faults, two a round")
    parser.add_argument("--rounds", type=int, help="so many rounds, from --from on, leaving out those done")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first seed of --rounds")
    parser.add_argument("--topology", choices=sorted(TOPOLOGIES), default="separate")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no round after so many minutes")
    parser.add_argument("--summary", action="store_true", help="print the table of all rounds so far")
    parser.add_argument("--simulate", action="store_true", help="play the seeds on the in-memory log instead")
    parser.add_argument("--show", action="store_true", help="print a seed's schedule and play nothing")
    asked = parser.parse_args(words)
    if asked.summary:
        print(results.summary())
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if asked.rounds is None:
        seeds, known = asked.seed, frozenset[int]()
    else:
        seeds = list(range(asked.first, asked.first + asked.rounds))
        known = results.done(asked.quick, asked.topology)
    if asked.simulate:
        return _simulate(seeds)
    plan = [schedule(seed, quick=asked.quick, topology=asked.topology) for seed in seeds if seed not in known]
    if asked.show:
        print("\n".join(f"{one.seed}: " + "  ".join(map(str, one.faults)) for one in plan))
        return 0
    return _play_all(plan, time.monotonic() + asked.minutes * 60)


def _simulate(seeds: Sequence[int]) -> int:
    began, broken = time.monotonic(), []
    for seed, findings in simulate_all(seeds, os.cpu_count() or 1):
        broken.append(seed)
        print(f"  seed {seed}: {findings[0]}", flush=True)
    took_s = time.monotonic() - began
    verdict = f"BROKEN seeds={','.join(map(str, broken))}" if broken else "ok"
    print(
        f"verdict={verdict} simulated={len(seeds)} seconds={took_s:.1f} a_minute={len(seeds) * 60 / took_s:.0f}"
    )
    return 1 if broken else 0


def _play_all(plan: Sequence[Schedule], until: float) -> int:
    code, line = 0, f"verdict=ok rounds=0 left={len(plan)}"
    waiting = list(plan)
    while waiting and time.monotonic() < until:
        home = Path(tempfile.mkdtemp(prefix="penstock-chaos-"))
        try:
            code, line, broken = _on_one_site(home, waiting, until, code, line)
        except KeyboardInterrupt:
            print("interrupted: what was played is written down", file=sys.stderr)
            return 130
        if broken:
            kept = results.FOLDER / f"broken-{home.name.rpartition('-')[2]}"
            shutil.copytree(home / "logs", kept, dirs_exist_ok=True) if (home / "logs").exists() else None
            print(f"the workers' logs are in {kept}", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
    print(line, flush=True)
    return code


def _on_one_site(
    home: Path, waiting: list[Schedule], until: float, code: int, line: str
) -> tuple[int, str, bool]:
    """Play on until the site is old or a round was broken: what comes after would be judged with it."""
    site, history = Site(home, waiting[0].topology), History()
    try:
        site.up()
        for _ in range(ROUNDS_A_SITE):
            if not waiting or time.monotonic() >= until:
                break
            one = waiting.pop(0)
            try:
                outcome = play(site, one, history, lambda text: print(f"  {text}", flush=True))
            except (OSError, RuntimeError, AssertionError, HarmFailed) as error:
                traceback.print_exc()
                return 2, f"verdict=none seed={one.seed} the harness failed: {error!r}", True
            line = _write_down(outcome)
            if waiting:
                print(line, flush=True)
            if outcome.findings:
                return max(code, 1), line, True
    finally:
        site.down()
    return code, line, False


def _write_down(outcome: Outcome) -> str:
    results.append(outcome)
    for finding in outcome.findings[:20]:
        print(f"  broke: {finding}", flush=True)
    return results.last_line(outcome)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
