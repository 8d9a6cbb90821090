"""Who may do what: one table of the roles and the scope that each action takes (docs/rights.md).

A caller needs one of the roles, and, if its key or token is limited to scopes, the scope as well. The scope follows
from the action's words, so whoever adds a route says `caller.needs(ROLES, "do something")` and nothing else; what the
table doesn't name takes the scope `operate`, which is given to few.
"""

from dataclasses import dataclass
from typing import Final

ANALYST: Final = "analyst"
SUPERVISOR: Final = "supervisor"
OPERATOR: Final = "operator"
ADMIN: Final = "admin"


@dataclass(frozen=True, slots=True)
class Right:
    """One row: actions that begin with one of these words, the scope for them, and the roles that usually have it.

    `people`: a service never does it. `barred`: who has one of these roles doesn't either, whatever else it has.
    """

    scope: str
    roles: tuple[str, ...]
    actions: tuple[str, ...]
    people: bool = False
    barred: tuple[str, ...] = ()


_EVERYBODY: Final = (ANALYST, SUPERVISOR, OPERATOR)

RIGHTS: Final = (
    Right("runs:start", (ANALYST,), ("start",)),
    # Whoever may end a run may have a failed one done again; tools still ask for the roles of who does.
    Right("runs:start", _EVERYBODY, ("retry a run",)),
    Right("runs:read", _EVERYBODY, ("read", "list", "follow")),
    Right("runs:change", _EVERYBODY, ("cancel", "signal", "give feedback")),
    # An admin makes services, and they start runs: with a vote as well, one person alone could do what takes two.
    Right(
        "approvals:vote",
        (ANALYST, SUPERVISOR),
        ("vote", "delegate", "escalate"),
        people=True,
        barred=(ADMIN,),
    ),
    Right("operate", (OPERATOR,), ("settle",), people=True),
    Right("operate", (SUPERVISOR, OPERATOR), ("pause", "continue"), people=True),
    Right("operate", (OPERATOR,), ("redrive", "discard", "release", "stop")),
    Right(
        "operate",
        (OPERATOR,),
        ("cancel many runs", "signal many runs", "retry many runs", "migrate", "read a bulk operation"),
    ),
    Right("operate", (OPERATOR,), ("pause many runs", "continue many runs"), people=True),
    Right("operate", (OPERATOR, ADMIN), ("list operator actions", "list dead letters", "read a dead letter")),
    Right(
        "schedules:manage",
        (OPERATOR,),
        tuple(f"{verb} a schedule" for verb in ("make", "change", "pause", "resume", "trigger", "delete")),
    ),
    Right("operate", (OPERATOR,), ("manage webhooks",)),
    Right("metrics:read", (OPERATOR,), ("read metrics",)),
    Right("keys:manage", (ADMIN,), ("manage keys",)),
)
SCOPES: Final = tuple(dict.fromkeys(right.scope for right in RIGHTS))
_OTHER: Final = Right("operate", (OPERATOR,), ())
_BY_ACTION: Final = {words: right for right in RIGHTS for words in right.actions}


def right_to(action: str) -> Right:
    """The row of an action, found by its first words."""
    words = action.split()
    for count in range(len(words), 0, -1):
        right = _BY_ACTION.get(" ".join(words[:count]))
        if right is not None:
            return right
    return _OTHER


def _roles(action: str) -> tuple[str, ...]:
    return right_to(action).roles


START: Final = _roles("start")
READ: Final = _roles("read")
VOTE: Final = _roles("vote")
CANCEL: Final = _roles("cancel")
SETTLE: Final = _roles("settle")
PAUSE: Final = _roles("pause")
RETRY: Final = _roles("retry a run")
SCHEDULE: Final = _roles("make a schedule")
RELEASE: Final = _roles("release")
FEEDBACK: Final = _roles("give feedback")
METRICS: Final = _roles("read metrics")
KEYS: Final = _roles("manage keys")
WEBHOOKS: Final = _roles("manage webhooks")
