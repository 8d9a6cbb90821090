"""Dead letters for the tests of the API: records that the run decider can't take, as its host would set them aside."""

from dataclasses import dataclass, field

from penstock.audit.applier import Applier, catch_up
from penstock.audit.projector import TOPICS
from penstock.producers.log import Outgoing, Record
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Keyring, Signer
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.headers import REDRIVE
from penstock.schemas.ids import dead_letter_id, derived_id, partition_of, run_id
from penstock.schemas.run.records import StartRun
from penstock.schemas.topics import OPERATOR_ACTIONS, RUN_EVENTS, RUN_INBOX, RUNS_GROUP, TOOLS_GROUP
from penstock.streams.arrival import Malformed, receive
from penstock.streams.dead_letters import dead_letter
from tests.api.conftest import Api

RUN = run_id("local", "dead")
KINDS = ("malformed", "misplaced", "wrong schema id", "bad utf-8", "oversized")


@dataclass
class Dead:
    """An API beside whose runs stand some dead letters, by what is wrong with each."""

    api: Api
    ids: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, outgoing: Outgoing) -> Record:
        """Let a record arrive and die."""
        (record,) = self.api.log.append([outgoing])
        arrived = receive(record, 6, pinned_codec(), self.keyring)
        assert isinstance(arrived, Malformed), kind
        self.api.log.append([arrived.dead_letter(RUNS_GROUP)])
        self.ids[kind] = dead_letter_id(record.topic, record.partition, record.offset)
        return record

    @property
    def keyring(self) -> Keyring:
        return Keyring.load(self.api.settings.keys_file)

    def project(self) -> None:
        """Let the views see all that stands on the log."""
        catch_up(Applier(self.api.views, pinned_codec(), self.keyring), self.api.log, TOPICS)

    def back(self, kind: str) -> list[Record]:
        """The records that were put back for it."""
        named = self.ids[kind].encode()
        return [one for one in self.of(RUN_INBOX) if one.header(REDRIVE) == named]

    def actions(self) -> list[str]:
        """What operators said, in order."""
        decoded = [pinned_codec().decode_fact(one.value or b"") for one in self.of(OPERATOR_ACTIONS)]
        return [body.action for _, body in decoded]

    def of(self, topic: str) -> list[Record]:
        log = self.api.log
        return [
            one for p in range(log.partitions(topic)) for one in log.read(topic, p, *log.bounds(topic, p))
        ]


def start(keyring: Keyring, tenant: str = "local", authority: Authority = Authority.API) -> Outgoing:
    """A start as a publisher makes it."""
    meta = InputMeta(
        id=derived_id(RUN, f"start:{tenant}"),
        type="StartRun",
        tenant=tenant,
        entity_id=RUN,
        time_ms=7,
        actor=Actor(kind="person", subject="ana", roles=("analyst",)),
    )
    body = StartRun(
        workflow="case-review", input=json_payload({"case_id": "case-1"}), body_sha256="0" * 64, priority=None
    )
    publisher = Publisher(_NoLog(), pinned_codec(), Signer(keyring.signer(authority).key), "tests")  # type: ignore[arg-type]
    return publisher.outgoing(meta, body)


class _NoLog:
    """Nothing is written: the publisher only signs."""


def broken(kind: str, keyring: Keyring) -> Outgoing:
    """A record of that kind."""
    good = start(keyring)
    value, key = good.value or b"", RUN.encode()
    wrong = (partition_of(key, 6) + 1) % 6
    values = {
        "malformed": b"\x00nonsense",
        "misplaced": value,
        "wrong schema id": b"\x00" + (9_999).to_bytes(4, "big") + value[5:],
        "bad utf-8": value.replace(b"case-review", b"case-\xff\xfeview"),
        "oversized": b"\x01" + b"x" * (1024 * 1024 - 150),
    }
    return Outgoing(
        RUN_INBOX,
        key,
        values[kind],
        () if kind == "oversized" else good.headers,
        wrong if kind == "misplaced" else None,
    )


def dead_letters(api: Api) -> Dead:
    """One of each kind, one of another tenant, one of an events topic, and one that a stranger made up."""
    dead = Dead(api)
    for kind in KINDS:
        dead.add(kind, broken(kind, dead.keyring))
    foreign = start(dead.keyring, "elsewhere")
    wrong = (partition_of(RUN.encode(), 6) + 1) % 6
    dead.add("foreign", Outgoing(RUN_INBOX, foreign.key, foreign.value, foreign.headers, wrong))
    (event,) = api.log.append([Outgoing(RUN_EVENTS, RUN.encode(), b"\x00event", ())])
    why = {"error": "Undecodable", "stage": "decode", "message": "no event"}
    api.log.append([dead_letter(event, TOOLS_GROUP, **why)])
    dead.ids["event"] = dead_letter_id(event.topic, event.partition, event.offset)
    invented = Record(RUN_INBOX, 0, 4711, 1, RUN.encode(), b"\x00invented", ())
    api.log.append([dead_letter(invented, RUNS_GROUP, **why)])
    dead.ids["invented"] = dead_letter_id(RUN_INBOX, 0, 4711)
    dead.project()
    return dead


MEND = {
    "input": {
        "type": "StartRun",
        "entity_id": RUN,
        "fields": {"workflow": "case-review", "input": {"content": {"case_id": "case-1"}}},
    }
}
