"""What an outside system may answer, whose word has been through nobody's types."""

from typing import Final

from penstock.declare.errors import InvalidArguments
from penstock.producers.signing import Authority
from penstock.schemas.run.records import CompleteToolCall
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.parts import CallState

MESSAGE_CHARACTERS_MAX: Final = 4000


def said_by(c: Consequences) -> str:
    """Who answers, as events say it."""
    return "callback" if c.given.authority is Authority.CALLBACK else "worker"


def deferrable(c: Consequences, call: CallState) -> bool:
    """Whether an outside system may have been handed it: its callback may be here before the worker's word of it."""
    tool = c.application.tool(call.tool, call.tool_version)
    return call.status == "deferred" or (tool is not None and tool.deferred_ms is not None)


def misfit(c: Consequences, call: CallState, body: CompleteToolCall) -> str | None:
    """Why the result isn't what the tool declares; None if it is, or the tool isn't here to say."""
    tool = c.application.tool(call.tool, call.tool_version)
    try:
        if tool is not None:
            tool.decode_result(body.result.content or b"")
    except InvalidArguments as error:
        return str(error)[:MESSAGE_CHARACTERS_MAX]
    return None
