"""A decider that does next to nothing, and inputs of 200 bytes for it: what is left is the runner."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from penstock.producers.log import Outgoing
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.bodies import EventBody
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.headers import input_headers
from penstock.schemas.ids import derived_id, run_id
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import BY_NAME, RUN_EVENTS, RUN_INBOX, RUNS_GROUP, Topic, dead_letter_topic
from penstock.streams.decider import Happened, Input

ENTITIES: Final = 4_000
INPUT_BYTES: Final = 200
# A secret of the benchmark's own: everything that it signs stays on a log that is removed with it.
KEYRING: Final = Keyring([Key("bench", b"b" * 32, Authority.TIMERS, None)])
_ACTOR: Final = Actor(kind="service", subject="bench")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many inputs an entity has had."""

    count: int = 0


class TallyDecider:
    """Each input is one event. Under a noun of its own it has topics of its own."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.group_id = RUNS_GROUP.replace("runs", noun)

    def initial(self, tenant: str, entity_id: str) -> Tally:
        """Nothing yet."""
        return Tally()

    def decide(self, state: Tally, given: Input) -> Sequence[EventBody]:
        """One event an input."""
        assert isinstance(given.body, FireTimer)
        return [InputAccepted(input_type="FireTimer", note=f"{given.body.timer_id[:8]}/{state.count}")]

    def evolve(self, state: Tally, happened: Happened) -> Tally:
        """One more."""
        return Tally(state.count + 1)


@dataclass(frozen=True, slots=True)
class TallyTopics:
    """The topics of a tally under some noun."""

    noun: str

    @property
    def inbox(self) -> str:
        """Where its inputs stand."""
        return RUN_INBOX.replace("run.", f"{self.noun}.")

    @property
    def events(self) -> str:
        """Where its events stand."""
        return RUN_EVENTS.replace("run.", f"{self.noun}.")

    def catalogue(self) -> tuple[Topic, ...]:
        """As the catalogue has those of runs."""
        inbox, events = BY_NAME[RUN_INBOX], BY_NAME[RUN_EVENTS]
        dead = dead_letter_topic(self.inbox, TallyDecider(self.noun).group_id)
        return (
            replace(inbox, name=self.inbox),
            replace(events, name=self.events),
            replace(inbox, name=dead),
        )


def inputs(count: int, topic: str) -> Iterator[Outgoing]:
    """Signed inputs of INPUT_BYTES each, over ENTITIES entities in turn, other ones for each topic."""
    codec, signer = pinned_codec(), KEYRING.signer(Authority.TIMERS)
    entities = [run_id("local", f"{topic}-{number}") for number in range(ENTITIES)]
    for number, entity_id in zip(range(count), itertools.cycle(entities), strict=False):
        meta = InputMeta(
            id=derived_id(entity_id, f"input:{number}"),
            type="FireTimer",
            tenant="local",
            entity_id=entity_id,
            time_ms=0,
            actor=_ACTOR,
        )
        timer_id = f"{number:08d}"
        short = INPUT_BYTES - len(codec.encode(meta, FireTimer(timer_id=timer_id)))
        # From 64 characters on, the text's length takes one byte more.
        pad = short - 1 if len(timer_id) + short >= 64 else short
        value = codec.encode(meta, FireTimer(timer_id=timer_id + "x" * pad))
        signature = signer.sign(meta.type, entity_id, meta.tenant, value)
        yield Outgoing(topic, entity_id.encode(), value, input_headers(meta, "bench", signature))
