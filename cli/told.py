"""What a command has done, in a sentence for people or as one JSON object for programs."""

import json

import typer


def tell(as_json: bool, sentence: str, **what: object) -> None:
    """Print the sentence, or what it says by name."""
    typer.echo(json.dumps(what) if as_json else sentence)
