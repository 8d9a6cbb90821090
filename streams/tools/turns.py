"""The order in which calls that wait get their turn: priority, then tenants in turn, then first come, first served.

Pure data structures. One `Ask` is one call that waits; `seq` numbers them in the order in which they came.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from heapq import heapify, heappop, heappush
from typing import Final

# What is withdrawn stays where it waits until it is swept; below this number that isn't worth it.
SWEEP_MIN: Final = 1_000


class Standing(Enum):
    """Where an ask stands."""

    NEW = auto()
    QUEUED = auto()
    # In the order in which keys are asked for that are counted over all processes.
    WANTS_KEY = auto()
    HELD_BY_KEY = auto()
    GRANTED = auto()
    GONE = auto()


class Ask:
    """One call that wants a slot. `key` None: nothing is limited by key. `life`: the lane's, when it was granted."""

    __slots__ = ("begun", "key", "life", "priority", "seq", "standing", "tenant")

    def __init__(self, tenant: str = "", key: str | None = None, priority: int = 0) -> None:
        self.tenant = tenant
        self.key = key
        self.priority = priority
        self.seq = 0
        self.standing = Standing.NEW
        self.begun = False
        self.life = 0


class Turns:
    """The asks of one priority. Each operation costs O(log n), spread over all of them."""

    __slots__ = ("_away", "_gone", "_queues", "_size", "_turns", "overtaken")

    def __init__(self) -> None:
        self.overtaken = 0
        self._queues: dict[str, list[tuple[int, Ask]]] = {}
        self._turns: deque[str] = deque()
        # Tenants that have asks here and as many slots as they may have.
        self._away: set[str] = set()
        self._size = 0
        self._gone = 0

    @property
    def empty(self) -> bool:
        """Whether nothing waits here."""
        return not self._queues

    @property
    def kept(self) -> int:
        """How many asks are kept, withdrawn ones included."""
        return self._size

    @property
    def ready(self) -> bool:
        """Whether some tenant may be served, as far as is known before its asks are looked at."""
        return bool(self._turns)

    def push(self, ask: Ask) -> None:
        """Wait here; behind those of its tenant with a lower number."""
        self._size += 1
        queue = self._queues.get(ask.tenant)
        if queue is None:
            self._queues[ask.tenant] = [(ask.seq, ask)]
            self._turns.append(ask.tenant)
        else:
            heappush(queue, (ask.seq, ask))

    def pop(self, full: Callable[[str], bool], admit: Callable[[Ask], bool]) -> Ask | None:
        """The next ask that `admit` takes, of a tenant that isn't `full`; what `admit` refuses leaves the queue.

        A tenant that is full steps aside until `back`.
        """
        while self._turns:
            tenant = self._turns.popleft()
            if full(tenant):
                self._away.add(tenant)
                continue
            queue = self._queues[tenant]
            while queue:
                self._size -= 1
                ask = heappop(queue)[1]
                if ask.standing is Standing.GONE:
                    self._gone -= 1
                elif admit(ask):
                    if queue:
                        self._turns.append(tenant)
                    else:
                        del self._queues[tenant]
                    return ask
            del self._queues[tenant]
        return None

    def back(self, tenant: str) -> None:
        """The tenant may be served again."""
        if tenant in self._away:
            self._away.discard(tenant)
            self._turns.append(tenant)

    def all_back(self) -> None:
        """Whoever was full may be served again."""
        self._turns.extend(self._away)
        self._away.clear()

    def withdrawn(self) -> None:
        """One of the asks here is gone. Sweeps when most are."""
        self._gone += 1
        if self._gone < SWEEP_MIN or self._gone * 2 < self._size:
            return
        for tenant, queue in list(self._queues.items()):
            queue[:] = [entry for entry in queue if entry[1].standing is not Standing.GONE]
            heapify(queue)
            if not queue:
                del self._queues[tenant]
                self._away.discard(tenant)
        self._turns = deque(tenant for tenant in self._turns if tenant in self._queues)
        self._size = sum(map(len, self._queues.values()))
        self._gone = 0
