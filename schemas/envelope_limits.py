"""How long the words of an envelope may be: whatever follows from an input carries them on, once in each event."""

from typing import Final, NamedTuple

from penstock.schemas.envelope.records import InputMeta

TENANT_BYTES_MAX: Final = 256
SUBJECT_BYTES_MAX: Final = 1_024
ROLES_BYTES_MAX: Final = 64 * 1024
SIGNATURE_BYTES_MAX: Final = 1_024
# What a role takes beside its text.
_ROLE_BYTES: Final = 2


class Excess(NamedTuple):
    """What is too long."""

    what: str
    size_bytes: int
    limit_bytes: int

    def __str__(self) -> str:
        return f"{self.what} {self.size_bytes} bytes, of {self.limit_bytes} at most: send it again with less"


def excess(meta: InputMeta) -> Excess | None:
    """The first thing that is too long in the envelope; None if nothing is."""
    actor = meta.actor
    roles = sum(map(_size, actor.roles)) + _ROLE_BYTES * len(actor.roles)
    if roles > ROLES_BYTES_MAX:
        return Excess("the actor's roles take", roles, ROLES_BYTES_MAX)
    if (size := _size(actor.subject)) > SUBJECT_BYTES_MAX:
        return Excess("the actor's subject takes", size, SUBJECT_BYTES_MAX)
    if (size := _size(meta.tenant)) > TENANT_BYTES_MAX:
        return Excess("the tenant's name takes", size, TENANT_BYTES_MAX)
    return None


def excess_of_signature(signature: bytes | None) -> Excess | None:
    """The same of the signature header."""
    if signature is not None and len(signature) > SIGNATURE_BYTES_MAX:
        return Excess("the signature takes", len(signature), SIGNATURE_BYTES_MAX)
    return None


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))
