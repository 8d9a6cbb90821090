"""`make run`: the whole of Penstock on one machine, on thirty disputes, with the power cut in the middle.

Starts everything, publishes reviews through the SDK and one through REST, grants as the supervisor, kills the
workers with SIGKILL while updates are under way, settles what is in doubt from the target's own journal, lets the
three witnesses speak, and prints one run's trail. `--once` grants everything, waits for every end and exits.
"""

import argparse
import os
import subprocess
import sys
import time

from penstock.cli.local import state
from penstock.cli.screen import console
from penstock.examples.casework.demo_cast import Cast, demo_keys
from penstock.examples.casework.demo_scenes import Scenes
from penstock.examples.casework.desk import SLOWNESS
from penstock.examples.casework.seed import seed
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings

LEFT_FOR_THE_NEWCOMER = 3
# An old system's answer takes its time: long enough for the kill to fall between an effect and its answer.
STORE_SLOWNESS_MS = "300"


def main() -> int:
    """Run the demonstration; 0 if every run reached its end and the witnesses agree."""
    arguments = _arguments()
    os.environ.setdefault(SLOWNESS, STORE_SLOWNESS_MS)
    settings = Settings.partial()
    try:
        keys = demo_keys(settings)
        if (code := _penstock("up", "--detach")) != 0:
            return code
        try:
            return _play(arguments, keys)
        except KeyboardInterrupt:
            console.print("\nstopping")
            return 130
        finally:
            _penstock("down")
    except SetupError as error:
        console.print(f"[red]{error}[/red]")
        return 1


def _play(arguments: argparse.Namespace, keys: dict[str, str]) -> int:
    settings = Settings.load()
    standing = state.read(settings)
    assert standing is not None, "`penstock up` writes what stands"
    seeded = seed(settings.database_url)
    console.rule("casework")
    console.print(
        f"{len(seeded.case_ids)} cases and the policy manual ({seeded.index_version}) are in the case store"
    )
    cast = Cast(settings, standing.api_url, keys)
    scenes = Scenes(settings, cast, waiting_left=0 if arguments.once else LEFT_FOR_THE_NEWCOMER)
    try:
        scenes.publish(seeded.case_ids[: arguments.cases])
        scenes.wait_for_approvals()
        if arguments.kill:
            scenes.grant_and_cut_the_power()
        else:
            scenes.grant()
        agreed = scenes.until_settled()
        scenes.show_trail()
        scenes.show_what_waits(standing.api_url, keys)
        if arguments.once:
            return 0 if agreed else 1
        console.print("\nPenstock stays up until Ctrl-C.")
        while True:
            time.sleep(1)
    finally:
        cast.close()


def _penstock(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", "penstock.cli.main", *words], check=False).returncode


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run ARGS=…", description=__doc__)
    parser.add_argument("--once", action="store_true", help="grant and settle everything, verify, exit")
    parser.add_argument("--cases", type=int, default=30, help="how many of the thirty cases (default: all)")
    parser.add_argument("--no-kill", dest="kill", action="store_false", help="leave the workers alone")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
