"""What must be right before anything starts; each finding says what is wrong and what to type."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from penstock.cli.broker_versions import FETCH, FETCH_OLDEST_IN_KAFKA_4, NotABroker, api_versions
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import pending
from penstock.runtime.settings import Settings


class PreflightFailed(SetupError):
    """Something isn't as it must be: do what the findings say."""


class Wrong(Exception):
    """One check failed; the message names what is wrong and what to type."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check. `problem` is None if all is well."""

    check: str
    problem: str | None


def findings(settings: Settings) -> tuple[Finding, ...]:
    """Every check's outcome, in the order in which a person would mend them."""
    return tuple(_finding(name, check, settings) for name, check in _CHECKS)


def insist(settings: Settings) -> int:
    """How many checks passed. Raises PreflightFailed with every problem if one didn't."""
    found = findings(settings)
    problems = [f"{finding.check}: {finding.problem}" for finding in found if finding.problem]
    if problems:
        raise PreflightFailed("\n".join(["not ready to start:", *(f"  - {problem}" for problem in problems)]))
    return len(found)


def _finding(name: str, check: Callable[[Settings], None], settings: Settings) -> Finding:
    try:
        check(settings)
    except (Wrong, SetupError) as problem:
        return Finding(name, str(problem))
    return Finding(name, None)


def _application(settings: Settings) -> None:
    from penstock.declare.application import load_application
    from penstock.declare.errors import DeclarationError

    try:
        load_application(settings.application)
    except DeclarationError as error:
        raise Wrong(f"{error} Correct it, or export PENSTOCK_APPLICATION=module:attribute") from error


def _keys(settings: Settings) -> None:
    from penstock.producers.errors import SigningError
    from penstock.producers.signing import Keyring

    for path in (settings.keys_file, settings.api_keys_file):
        if not path.exists():
            raise Wrong(f"{path} isn't there: `penstock up` makes it; elsewhere deploy it as a secret")
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IWGRP | stat.S_IRWXO):
            raise Wrong(f"{path} can be read or changed by others: chmod 600 {path}")
        if not os.access(path, os.R_OK):
            raise Wrong(f"{path} can't be read by this user: chown it")
    try:
        Keyring.load(settings.keys_file)
    except SigningError as error:
        raise Wrong(str(error)) from error


def _broker(settings: Settings) -> None:
    """One bootstrap server that answers is enough, as it is for the clients; it must be of Kafka 4."""
    refusals: list[str] = []
    for address in settings.kafka_bootstrap_servers.split(","):
        try:
            oldest, _ = api_versions(address).get(FETCH, (0, 0))
        except NotABroker as error:
            refusals.append(str(error))
            continue
        if oldest < FETCH_OLDEST_IN_KAFKA_4:
            raise Wrong(f"the broker at {address} is older than Kafka 4: upgrade it, or name another one")
        return
    raise Wrong(f"{'; '.join(refusals)}: start it, or correct KAFKA_BOOTSTRAP_SERVERS")


def _topics(settings: Settings) -> None:
    from penstock.producers.errors import LogError
    from penstock.producers.topics_admin import check_topics

    try:
        problems = tuple(check_topics(settings.kafka_bootstrap_servers))
    except LogError as error:
        raise Wrong(str(error)) from error
    if problems:
        raise Wrong("; ".join(str(problem) for problem in problems))


def _partitioner(_: Settings) -> None:
    from penstock.cli.local.partitioner import placements
    from penstock.schemas.ids import partition_of

    keys = [f"key-{number}".encode() for number in range(16)]
    partitions, count = placements(keys)
    if partitions != [partition_of(key, count) for key in keys]:
        raise Wrong(
            "the producer doesn't place keys by murmur2: reinstall confluent-kafka as uv.lock names it"
        )


def _schemas(_: Settings) -> None:
    from penstock.schemas.registry import Lock

    missing = [name for name, _text in Lock.read().missing()]
    if missing:
        raise Wrong(
            f"registry.lock has no id for {', '.join(missing[:3])}: type "
            "`python -m penstock.schemas.registry --lock`, and commit it"
        )


def _database(settings: Settings) -> None:
    lacking = pending(settings)
    if lacking:
        raise Wrong(f"the database lacks {', '.join(lacking)}: type `penstock migrate`")


_CHECKS: Final = (
    ("application", _application),
    ("keys", _keys),
    ("schema ids", _schemas),
    ("broker", _broker),
    ("topics", _topics),
    ("partitioner", _partitioner),
    ("database", _database),
)
