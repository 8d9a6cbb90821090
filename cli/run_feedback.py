"""`penstock run feedback`: what a person thinks of a run, or of a call or an event in it."""

from typing import Annotated

import typer

from penstock.cli.completing import RunId
from penstock.cli.run_app import run_app
from penstock.cli.runs import As, AsJson, Key, Wait
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings

Tags = Annotated[list[str] | None, typer.Option("--tag", help="A word to find it by; once for each.")]


@run_app.command()
def feedback(
    run_id: RunId,
    score: Annotated[float | None, typer.Option(min=-1000, max=1000, help="Three decimals count.")] = None,
    label: Annotated[str, typer.Option(help="A word for it, such as helpful or wrong.")] = "",
    comment: Annotated[str, typer.Option(help="It stays on the log.")] = "",
    tag: Tags = None,
    call: Annotated[str, typer.Option(help="The call that it is about.")] = "",
    seq: Annotated[int | None, typer.Option(min=1, help="The event that it is about.")] = None,
    key: Key = "",
    who: As = "ana",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """Say what you think of a run, also when it has ended. Without --key the same words are one feedback.

    Example: penstock run feedback 330e33a1-3861-5cf0-b4db-54ae97c97fea --score 1 --label helpful
    """
    from penstock.cli import run_speaking
    from penstock.producers.feedback import Feedback

    if score is None and not label and not comment:
        raise SetupError("nothing was said: give a --score, a --label or a --comment")
    said = Feedback(call or None, seq, score, label or None, tuple(tag or ()), comment or None)
    run_speaking.feedback(Settings.load(), run_id, said, key, who, wait, as_json=as_json)
