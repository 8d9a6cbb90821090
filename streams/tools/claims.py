"""How far this process has got with a call."""

from collections.abc import Callable
from dataclasses import dataclass

from penstock.streams.alarms import Alarm
from penstock.streams.tools.lanes import Slot, Wish
from penstock.streams.tools.ports import OpenCall


@dataclass(slots=True, eq=False)
class Claim:
    """An open call of a partition that this process owns, and how far it has got with it."""

    partition: int
    call: OpenCall
    granted: "Callable[[Claim, Slot], None]"
    alarm: Alarm | None = None
    wish: Wish | None = None
    slot: Slot | None = None
    lease_id: str = ""
    done: bool = False

    @property
    def on_its_way(self) -> bool:
        """Whether something will happen to it without another event, or nothing has to."""
        return bool(self.alarm or self.wish or self.slot or self.lease_id or self.done)

    def grant(self, slot: Slot) -> None:
        """What the lane calls; a function made for each call that waits would be four times as large."""
        self.granted(self, slot)

    def close(self) -> None:
        """Nothing is left to do here, whatever else becomes of the call."""
        self.let_go()
        self.done = True

    def let_go(self) -> None:
        """Wait for nothing any more."""
        alarm, self.alarm = self.alarm, None
        wish, self.wish = self.wish, None
        slot, self.slot = self.slot, None
        if alarm is not None:
            alarm.cancel()
        if wish is not None:
            wish.withdraw()
        if slot is not None:
            slot.release()
