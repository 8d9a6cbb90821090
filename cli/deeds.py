"""What an operator does to a deployment from the command line stands on the log before it is done."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from penstock.cli.dead_letters import OPERATOR_ROLE
from penstock.cli.speaking import actor_of, recording_for, told
from penstock.producers.operators import OperatorLog
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings
from penstock.schemas.envelope.records import Actor


class NotAllowed(SetupError):
    """Who does this must be an operator, and say why: the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Words:
    """Where an operator's deeds are recorded, and in whose name."""

    recorded: OperatorLog
    actor: Actor

    def say(self, action: str, target: str, reason: str, detail: Mapping[str, object]) -> None:
        """Put it on the log, and wait until it stands there."""
        told(self.recorded.record(self.actor, action, target, reason, detail))


@contextmanager
def words_of(settings: Settings, who: str) -> Iterator[Words]:
    """What this operator of the deployment does is recorded. Raises NotFound, NotAllowed."""
    tenant = settings.deployment_tenant
    actor = actor_of(settings, tenant, who)
    if OPERATOR_ROLE not in actor.roles:
        raise NotAllowed(f"{who} isn't an {OPERATOR_ROLE}: name somebody with `--as` who is")
    with recording_for(settings, tenant) as recorded:
        yield Words(recorded, actor)


def insist_on_reason(reason: str) -> None:
    """Raises NotAllowed without one."""
    if not reason.strip():
        raise NotAllowed('say why, with `--reason "…"`: it stays on the log')
