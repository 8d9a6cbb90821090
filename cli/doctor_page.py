"""What `penstock doctor` shows: each check, and of what is wrong the lines that mend it."""

import json
from dataclasses import asdict

from penstock.cli import doctor
from penstock.cli.screen import console


def show(as_json: bool) -> int:
    """Print the findings; the exit code."""
    found = doctor.examine()
    wrong = [finding for finding in found if finding.problem]
    if as_json:
        print(json.dumps({"findings": [asdict(finding) for finding in found]}))
        return bool(wrong)
    for finding in found:
        mark = "[red]wrong[/red]" if finding.problem else "[green]ok[/green]   "
        console.print(f"  {mark} {finding.check}")
        if finding.problem:
            console.print(f"        {finding.problem}", markup=False)
        for line in finding.mend:
            console.print(f"          $ {line}", markup=False)
    if wrong:
        console.print(
            f"\n{len(wrong)} of {len(found)} checks found something wrong; look again with `penstock doctor`"
        )
    else:
        console.print(f"\nall {len(found)} checks passed")
    return bool(wrong)
