"""What a live registry has otherwise than registry.lock. Asks only; registers nothing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote

import httpx

from penstock.schemas.confluent import TIMEOUT_S, RegistryRefused, RegistryUnavailable
from penstock.schemas.registry import Lock, Locked

Kind: TypeAlias = Literal["only_in_lock", "only_in_registry", "other_schema", "other_id"]
_OURS: Final = "penstock."


@dataclass(frozen=True, slots=True)
class RegistryDifference:
    """One version of a subject, or a subject without one (0). Ids are None where there is none."""

    subject: str
    version: int
    kind: Kind
    pinned_id: int | None
    registry_id: int | None


class Registry:
    """A registry's answers. Raises RegistryUnavailable, RegistryRefused."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_S, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def subjects(self) -> list[str]:
        """Of all topics."""
        return [str(name) for name in self._ask("/subjects") or ()]

    def versions(self, subject: str) -> dict[int, tuple[int, Any]]:
        """By version the id and the schema as JSON; empty for a subject that isn't there."""
        path = f"/subjects/{quote(subject, safe='')}/versions"
        found: dict[int, tuple[int, Any]] = {}
        for version in self._ask(path) or ():
            told = self._ask(f"{path}/{int(version)}") or {}
            try:
                found[int(version)] = (int(told["id"]), json.loads(told["schema"]))
            except (KeyError, TypeError, ValueError) as error:
                raise RegistryRefused(f"{path}/{version} has no schema: is this URL a registry?") from error
        return found

    def _ask(self, path: str) -> Any:
        try:
            answer = self._client.get(path)
        except httpx.TransportError as error:
            where = f"{self._client.base_url.host}:{self._client.base_url.port or 'default'}"
            raise RegistryUnavailable(f"the schema registry at {where} doesn't answer: {error}") from error
        if answer.status_code == 404:
            return None
        if not answer.is_success:
            raise RegistryRefused(f"GET {path}: {answer.status_code} {answer.text[:200]}")
        try:
            return answer.json()
        except ValueError as error:
            raise RegistryRefused(f"GET {path}: not JSON: is this URL a registry?") from error


def registry_diff(lock: Lock, registry: Registry) -> Iterator[RegistryDifference]:
    """Every difference, by subject. Subjects that aren't named after our topics are none of our business."""
    there = {name for name in registry.subjects() if name.startswith(_OURS)}
    for subject in sorted(lock.subjects.keys() | there):
        held = {one.version: one for one in lock.subjects.get(subject, ())}
        told = registry.versions(subject) if subject in there else {}
        for version in sorted(held.keys() | told.keys()):
            kind = _kind(held.get(version), told.get(version))
            if kind is not None:
                pinned_id = held[version].schema_id if version in held else None
                registry_id = told[version][0] if version in told else None
                yield RegistryDifference(subject, version, kind, pinned_id, registry_id)


def _kind(held: Locked | None, told: tuple[int, Any] | None) -> Kind | None:
    if held is None:
        return "only_in_registry"
    if told is None:
        return "only_in_lock"
    if json.loads(held.text) != told[1]:
        return "other_schema"
    return "other_id" if held.schema_id != told[0] else None
