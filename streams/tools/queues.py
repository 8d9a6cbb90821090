"""Which lane a call waits in, by which key, and how it is preferred there."""

import logging
from collections.abc import Callable

from penstock.declare.errors import InvalidArguments
from penstock.declare.tools import Tool
from penstock.schemas.canonical import PayloadUnreadable, read_payload
from penstock.streams.alarms import Alarms
from penstock.streams.tools.lanes import Lanes, Slot, Wish
from penstock.streams.tools.ports import OpenCall, Toolbox
from penstock.streams.tools.priorities import STARTED
from penstock.streams.tools.shares import Shares

log = logging.getLogger("penstock.streams.tools")


class NoKey(Exception):
    """The tool's own concurrency_key function raised: nobody can tell which calls this one goes with."""


class Queues:
    """The lanes of this process's tools. One caller at a time, but for the lanes themselves."""

    def __init__(self, toolbox: Toolbox, alarms: Alarms, shares: Shares | None) -> None:
        self._toolbox = toolbox
        self._shares = shares
        self._unknown: set[tuple[str, int]] = set()
        if shares is None:
            self.lanes = Lanes(alarms)
        else:
            self.lanes = Lanes(alarms, shares.clock_s, shares.short)
            shares.serve(self.lanes)

    def tool(self, call: OpenCall) -> Tool[object] | None:
        """None, said once, if only another deployment of this worker has the tool: the call stays open."""
        asked = call.requested
        tool = self._toolbox.tool(asked.tool, asked.tool_version)
        if tool is None and (asked.tool, asked.tool_version) not in self._unknown:
            self._unknown.add((asked.tool, asked.tool_version))
            log.error(
                "this application has no tool %s version %d: its calls wait for a worker that has it",
                *(asked.tool, asked.tool_version),
            )
        return tool

    def wish(
        self, tool: Tool[object], call: OpenCall, granted: Callable[[Slot], None], *, first: bool
    ) -> Wish:
        """A place in the tool's lane, `first` ahead of all that hasn't been started. Raises NoKey."""
        key = _key(tool, call)
        if not self.lanes.has(tool.name):
            self._open(self._toolbox.tool(tool.name) or tool)
        priority = STARTED if first else call.requested.priority
        return Wish(self.lanes, tool.name, granted, call.tenant, key, priority)

    def close(self) -> None:
        """Nothing begins any more: give shares back."""
        if self._shares is not None:
            self._shares.close()

    def _open(self, newest: Tool[object]) -> None:
        """All versions of a tool share its lane, whose limits are those of the newest."""
        self.lanes.open(newest.name, newest.limits)
        if newest.limits.scope == "process":
            return
        if self._shares is None:
            log.error("calls of %s wait: its limits are global, and this worker shares none", newest.name)
        else:
            self._shares.share(newest)


def _key(tool: Tool[object], call: OpenCall) -> str | None:
    if tool.limits.concurrency_key is None:
        return None
    try:
        arguments = tool.decode_arguments(read_payload(call.requested.arguments))
    except (InvalidArguments, PayloadUnreadable):
        # It fails before it gets anywhere near the target.
        return None
    try:
        return tool.limits.key_of(arguments)
    except Exception as error:
        raise NoKey(f"{type(error).__name__}: {error}") from error
