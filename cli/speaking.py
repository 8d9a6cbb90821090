"""What an operator says to a run: a vote for a person, the answer to a call in doubt, an end.

Signed with the operator's key of this home directory: who may read that file vouches for the person it names.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

from penstock.audit.reading import CallInDoubt, WaitingApproval, calls_in_doubt, run, waiting_approvals
from penstock.cli.broker_versions import insist_on_broker
from penstock.producers.errors import LogError
from penstock.producers.kafka import KafkaLog
from penstock.producers.operators import OperatorLog
from penstock.producers.publisher import Publisher
from penstock.producers.receipt import Receipt
from penstock.producers.runs import RunClient
from penstock.producers.schedules import ScheduleClient
from penstock.producers.signing import Authority, Keyring
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect
from penstock.runtime.postgres_api_keys import known
from penstock.runtime.settings import Settings
from penstock.schemas.codec import codec_for
from penstock.schemas.envelope.records import Actor
from penstock.schemas.run.records import VoteDecision

T = TypeVar("T")

SOURCE: Final = "penstock.cli"
OPERATOR: Final = "olga"
ACKNOWLEDGED_S: Final = 30.0


class NotFound(SetupError):
    """What the command names isn't there, or waits for nobody: list what is, and name one of those."""


@contextmanager
def speaking_as(settings: Settings, tenant: str, subject: str) -> Iterator[RunClient]:
    """A client that speaks to runs of a tenant as a person who has an API key. Raises NotFound."""
    actor = actor_of(settings, tenant, subject)
    with _publisher(settings) as publisher:
        yield RunClient(publisher, tenant, actor)


@contextmanager
def scheduling_as(settings: Settings, tenant: str, subject: str) -> Iterator[ScheduleClient]:
    """The same to schedules of a tenant."""
    actor = actor_of(settings, tenant, subject)
    with _publisher(settings) as publisher:
        yield ScheduleClient(publisher, tenant, actor)


@contextmanager
def recording_for(settings: Settings, tenant: str) -> Iterator[OperatorLog]:
    """Where what operators of a tenant do is recorded."""
    with _publisher(settings) as publisher:
        yield OperatorLog(publisher, tenant)


@contextmanager
def _publisher(settings: Settings) -> Iterator[Publisher]:
    signer = Keyring.load(settings.keys_file).signer(Authority.OPERATOR)
    insist_on_broker(settings.kafka_bootstrap_servers)
    log = KafkaLog(settings.kafka_bootstrap_servers, SOURCE)
    publisher = Publisher(log, codec_for(settings.schema_registry_url), signer, SOURCE)
    try:
        yield publisher
    except BaseException:
        # Who has waited for an answer in vain isn't held up a second time.
        with suppress(LogError):
            publisher.close(0)
        raise
    publisher.close()


def vote(
    settings: Settings, approval_id: str, decision: VoteDecision, subject: str, reason: str
) -> WaitingApproval:
    """Cast a person's vote on exactly the arguments that the view shows; the approval as it stood."""
    approval = waiting_approval(settings, approval_id)
    with speaking_as(settings, approval.tenant, subject) as client:
        told(client.vote(approval.run_id, approval.approval_id, decision, approval.args_sha256, reason))
    return approval


def waiting_approval(settings: Settings, approval_id: str) -> WaitingApproval:
    """The waiting question whose id begins so. Raises NotFound."""
    with connect(settings, application_name=SOURCE) as connection:
        found = [one for one in waiting_approvals(connection) if one.approval_id.startswith(approval_id)]
    return _only(found, f"approval {approval_id}", "penstock approvals list")


def settle(
    settings: Settings, call_id: str, *, happened: bool, result: bytes | None, evidence: str, subject: str
) -> CallInDoubt:
    """Answer whether the effect of a call in doubt happened; the call as it stood."""
    with connect(settings, application_name=SOURCE) as connection:
        found = [one for one in calls_in_doubt(connection) if one.call_id.startswith(call_id)]
    call = _only(found, f"call in doubt {call_id}", "penstock status")
    with speaking_as(settings, call.tenant, subject) as client:
        told(
            client.settle(
                call.run_id, call.call_id, call.attempt, happened=happened, result=result, evidence=evidence
            )
        )
    return call


def cancel(settings: Settings, run_id: str, reason: str, subject: str) -> None:
    """Ask a run to end early."""
    with speaking_as(settings, tenant_of(settings, run_id), subject) as client:
        told(client.cancel(run_id, reason))


def release(settings: Settings, run_id: str, parked_input_id: str, reason: str, subject: str) -> None:
    """Have a parked input decided again."""
    with speaking_as(settings, tenant_of(settings, run_id), subject) as client:
        told(client.release(run_id, parked_input_id, reason))


def discard(settings: Settings, run_id: str, parked_input_id: str, reason: str, subject: str) -> None:
    """Give a parked input up."""
    with speaking_as(settings, tenant_of(settings, run_id), subject) as client:
        told(client.discard(run_id, parked_input_id, reason))


def tenant_of(settings: Settings, run_id: str) -> str:
    """Whose run it is. Raises NotFound."""
    with connect(settings, application_name=SOURCE) as connection:
        found = run(connection, run_id)
    if found is None:
        raise NotFound(f"the views know no run {run_id}: look for it with `penstock status`")
    return found.tenant


def told(receipt: Receipt) -> None:
    """Wait until the log has it; what the run makes of it stands in its trail."""
    receipt.wait(ACKNOWLEDGED_S)


def actor_of(settings: Settings, tenant: str, subject: str) -> Actor:
    """A person of the tenant's who has an API key. Raises NotFound."""
    with connect(settings, application_name=SOURCE) as connection:
        keys = known(connection, settings.api_keys_file).values()
    people = {
        key.subject: key
        for key in keys
        if key.tenant == tenant and key.kind == "person" and key.state() == "active"
    }
    if subject not in people:
        raise NotFound(
            f"tenant {tenant} has no person {subject!r} with an API key: name one of "
            f"{', '.join(sorted(people)) or 'none'}, "
            f"or type `penstock keys add {subject} --role ROLE`"
        )
    return Actor(kind="person", subject=subject, roles=people[subject].roles)


def _only(found: list[T], what: str, where: str) -> T:
    if len(found) != 1:
        how_many = "there is no" if not found else f"{len(found)} match"
        raise NotFound(f"{how_many} {what}: `{where}` lists them")
    return found[0]
