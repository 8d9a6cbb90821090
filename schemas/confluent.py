"""The ids of a live registry with Confluent's REST interface, as SCHEMA_REGISTRY_URL names it.

Registers today's schemas under their subjects when they are first written (the same text has the same id
everywhere), and looks up the ids that it meets. Both are cached for good: a registry never changes them.
"""

import json
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import httpx

from penstock.schemas.avro import Schema, schema_text, standalone
from penstock.schemas.topics import subject, topics_of

TIMEOUT_S: Final = 5.0
WAIT_S: Final = 30.0
RETRY_S: Final = 0.5
UNKNOWN_S: Final = 10.0
UNKNOWN_IDS_MAX: Final = 1000
# Confluent's code for "schema not found". Another 404 comes from something that is no registry: taking it
# for an unknown id would put a whole log into the dead letters.
_NOT_FOUND: Final = 40403
_MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"


class RegistryUnavailable(Exception):
    """The registry didn't answer for as long as we wait: nothing was judged, so dead-letter nothing; pause,
    try again, or stop.
    """


class RegistryRefused(Exception):
    """The registry answered no (credentials, compatibility, not a registry): mend its side or the URL."""


class LiveSchemas:
    """SchemaIds of a live registry. Calls block while it is away, for up to `wait_s` seconds.

    The URL may carry credentials (https://name:secret@host); they are never part of an error's text.
    """

    def __init__(
        self,
        url: str,
        *,
        wait_s: float = WAIT_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = httpx.Client(
            base_url=url.rstrip("/"), timeout=TIMEOUT_S, headers={"accept": _MEDIA_TYPE}, trust_env=False
        )
        self._wait_s = wait_s
        self._clock = clock
        self._sleep = sleep
        self._ids: dict[str, int] = {}
        self._schemas: dict[int, Schema] = {}
        self._unknown: dict[int, float] = {}

    def id_of(self, record: str) -> int:
        """Id of today's schema, which is registered under each of the record's subjects if it wasn't yet.

        Raises KeyError if no topic holds the record, RegistryUnavailable, RegistryRefused.
        """
        if record not in self._ids:
            self._ids[record] = self._register(record)
        return self._ids[record]

    def schema_of(self, schema_id: int) -> Schema | None:
        """The Avro schema that an id stands for; None if the registry has none (asked again after 10 s).

        Raises RegistryUnavailable, RegistryRefused.
        """
        if schema_id in self._schemas:
            return self._schemas[schema_id]
        if self._clock() < self._unknown.get(schema_id, 0.0):
            return None
        schema = self._look_up(schema_id)
        if schema is not None:
            self._schemas[schema_id] = schema
            return schema
        if len(self._unknown) >= UNKNOWN_IDS_MAX:
            self._unknown.clear()
        self._unknown[schema_id] = self._clock() + UNKNOWN_S
        return None

    def register_all(self) -> None:
        """Register every record, as a preflight: what would fail later fails now."""
        for record in standalone():
            self.id_of(record)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _register(self, record: str) -> int:
        topics = topics_of(record)
        if not topics:
            raise KeyError(f"{record} belongs to no topic")
        body = json.dumps({"schema": schema_text(record), "schemaType": "AVRO"})
        ids: set[int] = set()
        for topic in topics:
            path = f"/subjects/{quote(subject(topic.name, record), safe='')}/versions"
            found = self._ask("POST", path, body)
            ids.add(_integer(found, "id", path))
        if len(ids) != 1:
            raise RegistryRefused(f"{record} got the ids {sorted(ids)}: its subjects must share one context")
        return ids.pop()

    def _look_up(self, schema_id: int) -> Schema | None:
        path = f"/schemas/ids/{schema_id}"
        found = self._ask("GET", path)
        if found is None or found.get("schemaType", "AVRO") != "AVRO":
            return None
        try:
            return json.loads(found["schema"])
        except (KeyError, TypeError, ValueError) as error:
            raise RegistryRefused(f"{path} has no schema in its answer: is this URL a registry?") from error

    def _ask(self, method: str, path: str, body: str | None = None) -> dict[str, Any] | None:
        """The answer's JSON object; None for 404 of a look-up. Waits while the registry is away."""
        give_up = self._clock() + self._wait_s
        while True:
            why = ""
            try:
                answer = self._client.request(
                    method, path, content=body, headers={"content-type": _MEDIA_TYPE} if body else {}
                )
            except httpx.TransportError as error:
                why = f"{type(error).__name__} {error}".strip()
            else:
                if answer.status_code < 500 and answer.status_code != 429:
                    return _judged(method, path, answer)
                why = f"status {answer.status_code}"
            if self._clock() >= give_up:
                raise RegistryUnavailable(f"{self._where()}: {method} {path}: {why}, for {self._wait_s:g} s")
            self._sleep(RETRY_S)

    def _where(self) -> str:
        return (
            f"the schema registry at {self._client.base_url.host}:{self._client.base_url.port or 'default'}"
        )


def _judged(method: str, path: str, answer: httpx.Response) -> dict[str, Any] | None:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if answer.status_code == 404 and isinstance(found, dict) and found.get("error_code") == _NOT_FOUND:
        return None
    if not answer.is_success:
        said = found.get("message", "") if isinstance(found, dict) else answer.text[:200]
        raise RegistryRefused(f"{method} {path}: {answer.status_code} {said}{_advice(answer.status_code)}")
    if not isinstance(found, dict):
        raise RegistryRefused(f"{method} {path}: not a JSON object: is this URL a registry?")
    return found


def _advice(status: int) -> str:
    match status:
        case 401 | 403:
            return " (put credentials with the right to register into SCHEMA_REGISTRY_URL)"
        case 404:
            return " (is SCHEMA_REGISTRY_URL the registry's root?)"
        case 409 | 422:
            return " (the registry holds another history of this subject than registry.lock)"
    return ""


def _integer(found: dict[str, Any] | None, name: str, path: str) -> int:
    value = (found or {}).get(name)
    if type(value) is not int:
        raise RegistryRefused(f"{path} answered without an {name}: is this URL a registry?")
    return value
