"""What an operator does with dead letters from the command line, signed with the operator's key of this home."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from penstock.cli.broker_versions import insist_on_broker
from penstock.cli.speaking import ACKNOWLEDGED_S, SOURCE, NotFound, actor_of
from penstock.producers.errors import LogError
from penstock.producers.kafka import KafkaLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Keyring
from penstock.runtime import postgres_dead_letters as rows
from penstock.runtime.bulk import Verb, dry_run, one_of_many
from penstock.runtime.dead_letter_documents import document, line
from penstock.runtime.errors import DatabaseAway, SetupError
from penstock.runtime.mends import BadMend, Mend, mend_of_fields, mend_of_value
from penstock.runtime.postgres import connect
from penstock.runtime.postgres_dead_letters import Filter
from penstock.runtime.put_backs import Means, Refused
from penstock.runtime.redriving import Outcome, Redriver
from penstock.runtime.settings import Settings
from penstock.schemas.codec import codec_for

OPERATOR_ROLE = "operator"


class NotDone(SetupError):
    """The dead letter was left as it is: what the message says comes first."""


def listed(settings: Settings, tenant: str, which: Filter, limit: int) -> list[dict[str, Any]]:
    """Dead letters of a tenant, newest first, as the API lists them."""
    with connect(settings, application_name=SOURCE) as connection, rows.answered():
        return [line(row) for row in rows.listed(connection, tenant, which, limit)]


def shown(settings: Settings, tenant: str, ident: str) -> dict[str, Any]:
    """One of them, as the API shows it. Raises NotFound."""
    with connect(settings, application_name=SOURCE) as connection, rows.answered():
        found = rows.all_of(connection, tenant, ident)
        if not found:
            raise NotFound(f"tenant {tenant} has no dead letter {ident}: `penstock dlq list` lists them")
        codec = codec_for(settings.schema_registry_url)
        return document(found, rows.done(connection, tenant, ident), codec)


@contextmanager
def acting(settings: Settings, tenant: str, subject: str) -> Iterator[Redriver]:
    """Somebody who may redrive and discard. Raises NotFound, and NotDone for what is refused."""
    actor = actor_of(settings, tenant, subject)
    _need((OPERATOR_ROLE,), actor.roles, subject)
    keyring = Keyring.load(settings.keys_file)
    insist_on_broker(settings.kafka_bootstrap_servers)
    log = KafkaLog(settings.kafka_bootstrap_servers, SOURCE)
    codec = codec_for(settings.schema_registry_url)
    try:
        with (
            Publisher(log, codec, keyring.signer(Authority.OPERATOR), SOURCE) as publisher,
            Redriver(
                Means(settings, log, publisher, keyring, codec, ACKNOWLEDGED_S), tenant, actor
            ) as redriver,
        ):
            yield redriver
    except (Refused, BadMend) as error:
        raise NotDone(str(error)) from error
    finally:
        log.close()


def redrive(redriver: Redriver, ident: str, reason: str, mend: Mend | None, again: bool) -> Outcome:
    """Put one back. Who mends says it, and needs the role for that."""
    if mend is not None:
        _need(mend.right[0], redriver.actor.roles, redriver.actor.subject)
    return redriver.redrive(ident, reason, mend, again=again)


def mend_of(settings: Settings, fields: dict[str, Any] | None, value: bytes | None) -> Mend | None:
    """A replacement as `dlq show --json` shows one decoded, or as a record's bytes. Raises NotDone."""
    try:
        if fields is not None:
            return mend_of_fields(fields["type"], fields["entity_id"], fields["fields"])
        return None if value is None else mend_of_value(value, codec_for(settings.schema_registry_url))
    except (BadMend, KeyError, TypeError) as error:
        raise NotDone(f"correct the replacement: {error}") from error


def would(redriver: Redriver, verb: Verb, which: Filter, limit: int) -> dict[str, Any]:
    """What a bulk would do."""
    return dry_run(redriver, verb, which, limit)


def each(redriver: Redriver, verb: Verb, which: Filter, reason: str, limit: int) -> Iterator[dict[str, Any]]:
    """Do it with all that match, the oldest first; what came of each. Stop by not asking for the next."""
    idents = redriver.ids(which, limit)
    redriver.say_bulk(f"dead-letter.bulk-{verb}", which, reason, len(idents))
    for number, ident in enumerate(idents, 1):
        try:
            did = one_of_many(redriver, verb, ident, reason)
        except (LogError, DatabaseAway) as error:
            raise NotDone(
                f"stopped before {number} of {len(idents)}: {error}; the same command goes on"
            ) from error
        yield {"number": number, "of": len(idents), **did}


def _need(roles: tuple[str, ...], held: tuple[str, ...], subject: str) -> None:
    if not set(roles) & set(held):
        raise NotDone(
            f"{subject} has none of the roles {', '.join(roles)}: name somebody with `--as` who has"
        )
