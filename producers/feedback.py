"""What people think of a run, as an input of it: a score, a label, tags, a comment in the payload envelope (L15)."""

from typing import NamedTuple

from penstock.producers.receipt import Receipt
from penstock.producers.runs import RunClient
from penstock.schemas.canonical import json_payload
from penstock.schemas.run.records import GiveFeedback


class Feedback(NamedTuple):
    """What is said, and of which call or event (by seq) of the run; of neither: of the run. Three decimals of a score
    count."""

    call_id: str | None = None
    seq: int | None = None
    score: float | None = None
    label: str | None = None
    tags: tuple[str, ...] = ()
    comment: str | None = None


def give(client: RunClient, run_id: str, said: Feedback, input_id: str | None = None) -> Receipt:
    """Say it as the client's actor. The same `input_id` again is the same feedback.

    Raises NotCanonical or PayloadTooLarge before anything is sent, and what `Publisher.publish` does.
    """
    body = GiveFeedback(
        call_id=said.call_id,
        about_seq=said.seq,
        score_thousandths=None if said.score is None else round(said.score * 1000),
        label=said.label,
        tags=tuple(sorted(set(said.tags))),
        comment=None if said.comment is None else json_payload(said.comment),
    )
    return client.say(run_id, body, input_id)
