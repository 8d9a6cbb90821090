"""How a command talks to the person who typed it: steps with their outcome, notes, errors."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

# Written to a file or a pipe, a table needs no more folds than on a wide screen.
WIDTH_OF_A_FILE: Final = 180

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


class Step:
    """A step under way. `outcome` is shown when it is done; `note` shows a line in the meantime."""

    outcome: str = ""

    def note(self, line: str) -> None:
        """Something worth knowing while the step goes on."""
        console.print(f"    {line}", style="dim", markup=False)


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Show that something is being done, and then what came of it and how long it took."""
    started = time.monotonic()
    under_way = Step()
    with console.status(f"{name} ..."):
        yield under_way
    took = time.monotonic() - started
    timing = f"  [dim]{took:.1f} s[/dim]" if took >= 1 else ""
    console.print(f"  [green]ok[/green] {name:<11} {under_way.outcome}{timing}")


def say(line: str) -> None:
    """A line about what happens now, with the time of day: it may stand there for hours."""
    console.print(f"{time.strftime('%H:%M:%S')}  {line}", markup=False)


def complain(message: str) -> None:
    """An error: what is wrong and what to type."""
    stderr.print("[bold red]error:[/bold red] ", end="")
    stderr.print(message, markup=False)
