"""Figures: the line of `name=value` pairs that a benchmark ends with, and the file that it leaves.

Writes: bench/results/<name>.json, with the machine, the command, the commit and the date beside the figures.
"""

import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from penstock.cli.local.jars import KAFKA_VERSION

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results"
_PACKAGES: Final = ("confluent-kafka", "faust-streaming", "aiokafka", "psycopg", "pydantic", "fastavro")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a benchmark found: `line` is for the last line, `details` for the file only."""

    name: str
    line: Mapping[str, float]
    details: Mapping[str, object] = field(default_factory=dict)

    def text(self) -> str:
        """The last line: the name, then `name=value` pairs."""
        return " ".join([self.name, *(f"{name}={_short(value)}" for name, value in self.line.items())])


def parse(line: str) -> tuple[str, dict[str, float]]:
    """What `Figures.text` wrote. Raises ValueError if it isn't such a line."""
    name, *pairs = line.split()
    if not pairs:
        raise ValueError(f"no figures in {line!r}")
    split = [pair.partition("=") for pair in pairs]
    return name, {key: float(value) for key, _, value in split}


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies, by nearest rank; NaN of none."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, math.ceil(share * len(ranked)) - 1))]


def write(figures: Figures, command: str, seconds: float, notes: str = "") -> Path:
    """Keep a full result; where it is kept."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{figures.name}.json"
    kept = {
        "name": figures.name,
        "command": command,
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "changed_beside_bench": sorted(_changed()),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "notes": notes,
        "machine": machine(),
        "figures": {name: _number(value) for name, value in figures.line.items()},
        **figures.details,
    }
    path.write_text(json.dumps(kept, indent=1, default=_number) + "\n")
    return path


def machine() -> dict[str, object]:
    """Where it ran. `load_1m` is what others did on it when this is asked."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "cpu": _cpu_model(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "kafka": KAFKA_VERSION,
        "packages": {name: version(name) for name in _PACKAGES},
        "load_1m": round(os.getloadavg()[0], 1),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _changed() -> list[str]:
    """Files that differ from the commit: with other people's work in the tree, the commit isn't all that ran."""
    names = [line[3:] for line in _git("status", "--porcelain", "--untracked-files=no").splitlines()]
    return [name for name in names if not name.startswith(("bench/", "tests/", "docs/"))]


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.rstrip()


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _number(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value
