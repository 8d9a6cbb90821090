"""The errors that user code raises and catches. Each docstring says what to do.

PenstockError
├── DeclarationError      the declaration is wrong: mend the code, nothing runs before that
├── InvalidInput          a workflow's input or result doesn't fit its type
├── InvalidArguments      a tool's arguments or result don't fit its signature
├── ToolFailed            a workflow's call failed for good
├── ToolRefused           a workflow's call was not allowed
├── Declined              a tool says: the target said no, it is not done
└── NotDone               a tool says: it is not done, and doing it again is safe
"""


class PenstockError(Exception):
    """Root of the errors that user code meets."""


class DeclarationError(PenstockError):
    """A workflow, tool, rule or application is declared wrongly: mend it as the message says."""


class InvalidInput(PenstockError):
    """A workflow's input or result doesn't fit its annotation: send, or return, what the annotation says."""


class InvalidArguments(PenstockError):
    """A tool's arguments or result don't fit its signature: pass what the signature says."""


class ToolFailed(PenstockError):
    """A call failed and isn't tried again. Catch it to go another way, or name it in `fails_with`.

    `kind` is the stable word of the failure (timeout, declined, ...), `message` is for a person.
    """

    def __init__(self, tool: str, kind: str, message: str) -> None:
        super().__init__(f"{tool} failed ({kind}): {message}")
        self.tool = tool
        self.kind = kind
        self.message = message


class ToolRefused(PenstockError):
    """A call was not allowed, and nothing was done. Ask for a new approval, or go another way.

    `reason` is a stable word: unauthorized, grant_missing, grant_unknown, grant_mismatch, grant_spent,
    grant_expired, rule_changed, unknown_tool, ending.
    """

    def __init__(self, tool: str, reason: str, detail: str = "") -> None:
        super().__init__(f"{tool} was refused ({reason})" + (f": {detail}" if detail else ""))
        self.tool = tool
        self.reason = reason
        self.detail = detail


class Declined(PenstockError):
    """Raise it in a tool when the target said no: it is certainly not done, and asking again won't help."""


class NotDone(PenstockError):
    """Raise it in a tool when it is certainly not done and won't be: it may be tried again safely."""
