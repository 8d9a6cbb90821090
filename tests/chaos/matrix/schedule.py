"""From a seed to what a round is: a workload and timed faults. Pure: the same seed is the same round, always.

Topologies say which processes a site has: `separate` one for each role, `combined` one that hosts all agents.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

API: Final = "api"
VIEWS: Final = "views"
TOPOLOGIES: Final[Mapping[str, tuple[str, ...]]] = {
    "separate": ("runs", "tools", "timers", "schedules", "webhooks", VIEWS, API),
    "combined": ("all", VIEWS, API),
}
# Which named points lie on a role's way; `all` hosts all the others.
POINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "runs": ("after-receive", "after-commit", "mid-publish", "after-publish", "before-ack", "while-taking"),
    "tools": (
        *("after-receive", "after-commit", "before-ack", "while-taking"),
        *("after-call-started", "after-effect", "after-answer"),
    ),
    "timers": ("after-receive", "after-commit", "before-ack", "while-taking"),
    "schedules": (
        *("after-receive", "after-commit", "mid-publish", "after-publish", "before-ack", "while-taking"),
        "run-requested",
    ),
    "webhooks": ("after-receive", "after-commit", "before-ack", "while-taking", "webhook-posted"),
}
# How often a point is surely visited within seconds: by every call, by every batch, by each of six partitions, or,
# where an effector commits, every two seconds.
VISITS_MAX: Final[Mapping[str, int]] = {
    "while-taking": 3,
    "after-call-started": 6,
    "after-effect": 6,
    "after-answer": 12,
    "webhook-posted": 12,
    "tools:after-commit": 2,
    "timers:after-commit": 2,
    "webhooks:after-commit": 2,
}
VISITS_OF_A_BATCH_MAX: Final = 5
SESSION_S: Final = 6.0
SKEWS_S: Final = (-5, 5, -3600, 3600)

KINDS: Final = (
    "kill",
    "kill-at",
    "freeze",
    "broker-stopped",
    "postgres-stopped",
    "power-cut",
    "database-dropped",
    "database-restored",
    "connections-terminated",
    "connections-cut",
    "silence",
    "doubled",
    "halved",
    "next-version",
    "disk-full-broker",
    "disk-full-postgres",
    "disk-full-home",
    "log-restored",
    "clock",
    "poison",
    "rebalances",
)
# How much more often than once a kind comes up by chance: there are many ways to be killed.
_OFTEN: Final[Mapping[str, int]] = {"kill": 2, "kill-at": 5, "freeze": 2}
# Seconds that a fault lasts in a quick round and in a long one. What isn't here is over at once.
_LASTS: Final[Mapping[str, tuple[float, float]]] = {
    "kill-at": (5, 10),
    "freeze": (SESSION_S + 2, 15),
    "broker-stopped": (6, 20),
    "postgres-stopped": (6, 20),
    "power-cut": (2, 10),
    "database-restored": (2, 8),
    "connections-cut": (3, 10),
    "silence": (4, 15),
    "doubled": (4, 12),
    "halved": (4, 12),
    "disk-full-broker": (3, 10),
    "disk-full-postgres": (3, 10),
    "disk-full-home": (6, 12),
    "log-restored": (4, 10),
    "clock": (5, 12),
    "rebalances": (7, 20),
}
_SERVERS: Final[Mapping[str, frozenset[str]]] = {
    "broker-stopped": frozenset({"broker"}),
    "disk-full-broker": frozenset({"broker"}),
    "postgres-stopped": frozenset({"postgres"}),
    "database-dropped": frozenset({"postgres"}),
    "database-restored": frozenset({"postgres"}),
    "disk-full-postgres": frozenset({"postgres"}),
    "next-version": frozenset({"postgres"}),
    "power-cut": frozenset({"broker", "postgres"}),
    "log-restored": frozenset({"broker", "postgres"}),
    "poison": frozenset({"broker"}),
}
_ALL_WORKERS: Final = frozenset({"power-cut", "halved", "doubled", "next-version", "log-restored"})
_ONE_WORKER: Final = frozenset({"kill", "kill-at", "freeze", "clock", "rebalances", "disk-full-home"})


@dataclass(frozen=True, slots=True)
class Workload:
    """So many runs, started evenly over `over_s` seconds, and then a trickle until the last fault is healed.

    Every `api_every`-th of them comes over HTTP.
    Every `refused_every`-th approval is refused, every `cancelled_every`-th run is cancelled.
    """

    runs: int
    over_s: float
    naps: int
    api_every: int
    refused_every: int
    cancelled_every: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens when: seconds from the start of the load. `role`, `point`, `visits`, `skew_s`: as the kind asks."""

    kind: str
    at_s: float
    lasts_s: float
    role: str = ""
    point: str = ""
    visits: int = 0
    skew_s: int = 0
    server: str = ""
    gracefully: bool = True
    helped: bool = False

    @property
    def until_s(self) -> float:
        """When it is healed."""
        return self.at_s + self.lasts_s

    def __str__(self) -> str:
        extra = [self.role, self.server, self.point and f"{self.point}:{self.visits}"]
        extra += [
            f"{self.skew_s:+d}s" if self.skew_s else "",
            "" if self.gracefully else "SIGKILL",
            "helped" if self.helped else "",
        ]
        return ":".join([self.kind, *filter(None, extra)]) + f"@{self.at_s:g}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One round."""

    seed: int
    quick: bool
    topology: str
    workload: Workload
    faults: tuple[Fault, ...]

    def as_json(self) -> dict[str, Any]:
        """For the results file."""
        return asdict(self)


def schedule(seed: int, *, quick: bool, topology: str = "separate") -> Schedule:
    """The round of a seed. As many seeds in a row as there are kinds begin with every one of them."""
    dice = random.Random(f"{seed} {quick} {topology}")
    roles = TOPOLOGIES[topology]
    workload = Workload(
        runs=dice.randint(30, 50) if quick else dice.randint(150, 400),
        over_s=5.0 if quick else 20.0,
        naps=dice.choice((0, 1, 2)),
        api_every=dice.choice((3, 5)),
        refused_every=dice.choice((7, 11)),
        cancelled_every=dice.choice((9, 13)),
    )
    kinds = [KINDS[seed % len(KINDS)]]
    by_chance = [kind for kind in KINDS for _ in range(_OFTEN.get(kind, 1))]
    kinds += [dice.choice(by_chance) for _ in range(1 if quick else dice.randint(2, 4))]
    faults: list[Fault] = []
    for kind in kinds:
        fault = _fault(kind, dice, roles, quick, workload.over_s)
        faults.append(_after_those_in_its_way(fault, faults))
    faults.sort(key=lambda fault: fault.at_s)
    return Schedule(seed, quick, topology, workload, tuple(faults))


def _fault(kind: str, dice: random.Random, roles: Sequence[str], quick: bool, over_s: float) -> Fault:
    at_s = round(dice.uniform(0.5, over_s * 0.7), 1)
    lasts_s = _LASTS.get(kind, (0.0, 0.0))[0 if quick else 1]
    hosts = [role for role in roles if role not in (API, VIEWS)]
    role, point, visits, skew_s, server = "", "", 0, 0, ""
    gracefully, helped = True, False
    if kind == "kill":
        role = dice.choice(roles)
    elif kind == "kill-at":
        role = dice.choice(hosts)
        ways = POINTS.get(role) or tuple(dict.fromkeys(p for points in POINTS.values() for p in points))
        point = dice.choice(ways)
        visits = dice.randint(1, visits_max(role, point))
    elif kind == "freeze":
        role = dice.choice([*hosts, VIEWS])
        # With a second worker the partitions move to it; without one the zombie finds them unowned.
        helped = dice.random() < 0.7
    elif kind == "clock":
        role, skew_s = dice.choice(hosts), dice.choice(SKEWS_S)
    elif kind == "disk-full-home":
        role = dice.choice([*hosts, VIEWS])
    elif kind in ("connections-cut", "silence"):
        server = dice.choice(("broker", "postgres", "both"))
    elif kind in ("broker-stopped", "postgres-stopped", "halved"):
        gracefully = dice.random() < 0.5
    elif kind == "rebalances":
        role = dice.choice([*hosts, VIEWS])
    return Fault(kind, at_s, lasts_s, role, point, visits, skew_s, server, gracefully, helped)


def _after_those_in_its_way(fault: Fault, others: Sequence[Fault]) -> Fault:
    """Faults overlap, except where one would undo the other: then it begins when the other is healed."""
    at_s = fault.at_s
    for other in sorted(others, key=lambda one: one.until_s):
        overlaps = at_s < other.until_s + 0.5 and other.at_s < at_s + fault.lasts_s + 0.5
        if overlaps and in_each_others_way(fault, other):
            at_s = round(other.until_s + 0.5, 1)
    return replace(fault, at_s=at_s)


def visits_max(role: str, point: str) -> int:
    """At which visit of that point a worker of that role is armed to die at the latest."""
    return VISITS_MAX.get(f"{role}:{point}") or VISITS_MAX.get(point, VISITS_OF_A_BATCH_MAX)


def in_each_others_way(fault: Fault, other: Fault) -> bool:
    """Whether one would undo the other, or keep it from being done."""
    return bool(_means(fault) & _means(other))


def _means(fault: Fault) -> frozenset[str]:
    """What a fault has in its hands while it lasts."""
    means = set(_SERVERS.get(fault.kind, frozenset()))
    if fault.kind in _ALL_WORKERS:
        means |= {role for roles in TOPOLOGIES.values() for role in roles}
    elif fault.kind in _ONE_WORKER:
        means.add(fault.role)
    elif fault.kind in ("connections-cut", "silence"):
        means |= {"wires", "broker", "postgres"}
    return frozenset(means)
