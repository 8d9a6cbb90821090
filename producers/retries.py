"""A failed run that is done again, from the start and as a new run."""

from dataclasses import dataclass

from penstock.schemas.ids import derived_id


@dataclass(frozen=True, slots=True)
class Retry:
    """Which run is done again; `requesters` started it and those that it was a retry of itself: none of them votes."""

    of: str
    requesters: tuple[str, ...]

    def run_id(self, key: str) -> str:
        """The new run's id. The same key again is the same run; the empty key is a key as well."""
        return derived_id(self.of, f"retry:{key}")
