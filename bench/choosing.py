"""The command line: which benchmark, how long, and what to do with what it found."""

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from types import ModuleType
from typing import Final

from bench import figures
from bench.failing import BenchFailed
from penstock.runtime.errors import SetupError

NAMES: Final = (
    *("casework", "runner", "floor", "projector", "calls", "load", "peers", "telemetry"),
    *("takeover", "soak", "door", "doors", "adoption", "streams"),
)


def parser() -> argparse.ArgumentParser:
    """One sub-command a benchmark, each with its own words."""
    made = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    names = made.add_subparsers(dest="name", required=True)
    for name in NAMES:
        module = _module(name)
        one = names.add_parser(name, description=module.__doc__)
        one.add_argument(
            "--quick", action="store_true", help="under 50 s on two cores; the file isn't written"
        )
        one.add_argument("--notes", default="", help="a sentence to keep with a full result")
        module.add_arguments(one)
    return made


def main(words: Sequence[str]) -> int:
    """Run one benchmark; its figures are the last line. 1 if something was lost, repeated or never came."""
    arguments = parser().parse_args(words)
    began_s = time.monotonic()
    try:
        found: figures.Figures = _module(arguments.name).measure(arguments, tell)
    except (BenchFailed, SetupError) as error:
        print(f"{arguments.name}: no figure: {error}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - began_s
    tell(f"done in {seconds:.0f} s")
    if not arguments.quick:
        command = f'make bench ARGS="{shlex.join(words)}"'
        path = figures.write(found, command, seconds, arguments.notes)
        tell(f"kept in {path.relative_to(figures.ROOT)}")
    print(found.text(), flush=True)
    return 0


def tell(line: str) -> None:
    """Say what is going on, apart from the figures."""
    print(f"{datetime.now().strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def _module(name: str) -> ModuleType:
    return import_module(f"bench.{name}")
