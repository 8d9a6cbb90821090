"""`penstock status --watch`: the page again and again until Ctrl-C, whatever goes away meanwhile and comes back."""

import itertools
import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.live import Live

from penstock.cli.status import Looker
from penstock.cli.status_page import page
from penstock.runtime.settings import Settings

EVERY_S: Final = 1.0
# What is asked must not be kept busy by the asking, however slow it is.
PAUSE_S_MIN: Final = 0.2


def watch(
    settings: Settings,
    screen: Console,
    *,
    looks: int | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show the page every second, `looks` times or until KeyboardInterrupt.

    On a terminal it takes the whole screen and gives it back; elsewhere each page follows the last.
    """
    looker = Looker(settings)
    try:
        with Live(console=screen, screen=screen.is_terminal, auto_refresh=False) as live:
            for turn in itertools.count(1):
                began_s = time.monotonic()
                shown = page(looker.look())
                if screen.is_terminal:
                    live.update(shown, refresh=True)
                else:
                    screen.print(shown)
                if turn == looks:
                    return
                sleep(max(PAUSE_S_MIN, EVERY_S - (time.monotonic() - began_s)))
    finally:
        looker.close()
