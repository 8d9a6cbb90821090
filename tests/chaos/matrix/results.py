"""The results of rounds, one JSON line each, and the table that is made of them."""

import json
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.chaos.matrix.round import Outcome

FOLDER: Final = Path(__file__).resolve().parents[3] / ".penstock-chaos"
RESULTS: Final = FOLDER / "results.jsonl"
# Older lines know nothing of schedules and posts.
COUNTED: Final = ("runs", "scheduled", "executions", "doubts", "told")


def append(outcome: Outcome, path: Path = RESULTS) -> dict[str, Any]:
    """Write one round down."""
    line = {
        "seed": outcome.schedule.seed,
        "quick": outcome.schedule.quick,
        "topology": outcome.schedule.topology,
        "verdict": outcome.verdict,
        "findings": [str(finding) for finding in outcome.findings[:50]],
        "findings_in_all": len(outcome.findings),
        "kinds": sorted({fault.kind for fault in outcome.schedule.faults}),
        "faults": list(outcome.faults),
        "runs": outcome.runs,
        "ended": outcome.ended,
        "executions": outcome.executions,
        "doubts": outcome.doubts,
        "scheduled": outcome.scheduled,
        "told": outcome.told,
        "armed": outcome.armed,
        "unfired": list(outcome.unfired),
        "deaths": list(outcome.deaths),
        "seconds": outcome.seconds,
        "recovered_s": outcome.recovered_s,
        "code": _code(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    return line


def read(path: Path = RESULTS) -> Iterator[dict[str, Any]]:
    """All rounds that were written down."""
    if path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)


def done(quick: bool, topology: str, path: Path = RESULTS) -> frozenset[int]:
    """The seeds that need not be played again."""
    return frozenset(
        line["seed"] for line in read(path) if (line["quick"], line["topology"]) == (quick, topology)
    )


def last_line(outcome: Outcome) -> str:
    """The verdict in one line; of a broken round also what broke."""
    kinds = ",".join(fault.kind for fault in outcome.schedule.faults)
    counts = (
        f"runs={outcome.runs} ended={outcome.ended} scheduled={outcome.scheduled} executions={outcome.executions}"
        f" doubts={outcome.doubts} told={outcome.told}"
    )
    line = f"verdict={outcome.verdict} seed={outcome.schedule.seed} faults={kinds} {counts} seconds={outcome.seconds}"
    if outcome.armed:
        line += f" fired={outcome.armed - len(outcome.unfired)}/{outcome.armed}"
    if outcome.unfired:
        line += f" NEVER-FIRED={','.join(outcome.unfired)}"
    if outcome.findings:
        broke = Counter(finding.kind for finding in outcome.findings)
        line += " broke=" + ",".join(f"{kind}:{count}" for kind, count in sorted(broke.items()))
        line += f" first={outcome.findings[0]}"
    return line


def summary(path: Path = RESULTS) -> str:
    """The table for docs/faults.md: a line a kind of fault, and one for all."""
    rounds = list(read(path))
    by_kind: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in rounds:
        for kind in line["kinds"]:
            by_kind[kind].append(line)
    columns = ["rounds", "ok", "runs", "scheduled", "effects", "in doubt", "posts", "repeated"]
    head = f"| fault | {' | '.join(columns)} | slowest recovery |"
    rows = [_row(kind, lines) for kind, lines in sorted(by_kind.items())] + [_row("**all**", rounds)]
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|", *rows, "", _kills(rounds)])


def _kills(rounds: list[dict[str, Any]]) -> str:
    """Whether kills that were armed happened: one that never fires tests nothing. Older lines don't tell."""
    told = [line for line in rounds if "armed" in line]
    unfired = [f"{name} (seed {line['seed']})" for line in told for name in line["unfired"]]
    armed = sum(line["armed"] for line in told)
    said = f"{armed - len(unfired)} of {armed} kills that were armed at a named point fired"
    return f"{said}; not {', '.join(unfired)}." if unfired else f"{said}."


def _row(name: str, lines: list[dict[str, Any]]) -> str:
    repeated = sum(finding.startswith("repeated") for line in lines for finding in line["findings"])
    cells = [
        str(len(lines)),
        str(sum(line["verdict"] == "ok" for line in lines)),
        *(str(sum(line.get(name, 0) for line in lines)) for name in COUNTED),
        str(repeated),
        f"{max((line['recovered_s'] for line in lines), default=0):.0f} s",
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def _code() -> str:
    """The commit that was played, as far as git says."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
    return asked.stdout.strip()
