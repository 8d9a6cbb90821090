"""What must be right before anything starts; each finding says what is wrong and what to type."""

import os
import shlex
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from penstock.cli.broker_versions import FETCH, FETCH_OLDEST_IN_KAFKA_4, NotABroker, api_versions
from penstock.cli.ending import expected, told_of
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import pending
from penstock.runtime.settings import Settings

Check = Callable[[Settings], None]
# Checks that only a server can answer whose own check comes before.
ASKED_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "broker": ("addresses",),
    "topics": ("addresses", "broker"),
    "database": ("addresses",),
    "newer database": ("addresses", "database"),
    "one log": ("addresses", "broker", "database"),
    "tenant wall": ("addresses", "database"),
    "durability": ("addresses", "database"),
}


class PreflightFailed(SetupError):
    """Something isn't as it must be: do what the findings say."""


class Wrong(Exception):
    """One check failed; the message names what is wrong and what to type. `mend` are lines for a shell that mend it
    where that can be said so exactly.
    """

    def __init__(self, message: str, *mend: str) -> None:
        super().__init__(message)
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check. `problem` is None if all is well."""

    check: str
    problem: str | None
    mend: tuple[str, ...] = ()


def findings(settings: Settings, checks: Mapping[str, Check] | None = None) -> tuple[Finding, ...]:
    """Every check's outcome, in the order in which a person would mend them: of these, or of all that must be right."""
    found: list[Finding] = []
    for name, check in (CHECKS if checks is None else checks).items():
        # Nobody to ask: the server's own finding says it, and waiting for it again says no more.
        if not any(one.problem and one.check in ASKED_OF.get(name, ()) for one in found):
            found.append(_finding(name, check, settings))
    return tuple(found)


def insist(settings: Settings) -> int:
    """How many checks passed. Raises PreflightFailed with every problem if one didn't."""
    found = findings(settings)
    problems = [f"{finding.check}: {finding.problem}" for finding in found if finding.problem]
    if problems:
        raise PreflightFailed("\n".join(["not ready to start:", *(f"  - {problem}" for problem in problems)]))
    return len(found)


def _finding(name: str, check: Check, settings: Settings) -> Finding:
    try:
        check(settings)
    except Wrong as wrong:
        return Finding(name, str(wrong), wrong.mend)
    except expected() as problem:
        return Finding(name, told_of(problem))
    return Finding(name, None)


def application(settings: Settings) -> None:
    """It can be loaded."""
    from penstock.declare.application import load_application
    from penstock.declare.errors import DeclarationError

    try:
        load_application(settings.application)
    except DeclarationError as error:
        told = f"{error} Correct it, or export PENSTOCK_APPLICATION=module:attribute"
        raise Wrong(told, "unset PENSTOCK_APPLICATION  # the example's, which is there") from error


def keys(settings: Settings) -> None:
    """Both key files are there and nobody else can read them."""
    from penstock.producers.errors import SigningError
    from penstock.producers.signing import Keyring

    for path in (settings.keys_file, settings.api_keys_file):
        if not path.exists():
            told = f"{path} isn't there: `penstock prepare` makes it; elsewhere deploy it as a secret"
            raise Wrong(told, "penstock prepare")
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IWGRP | stat.S_IRWXO):
            mend = f"chmod 600 {shlex.quote(str(path))}"
            raise Wrong(f"{path} can be read or changed by others: {mend}", mend)
        if not os.access(path, os.R_OK):
            raise Wrong(f"{path} can't be read by this user: chown it")
    try:
        lacking = Keyring.load(settings.keys_file).lacking
    except SigningError as error:
        raise Wrong(str(error)) from error
    if lacking:
        told = f"{settings.keys_file} has no key of {', '.join(lacking)}, which this version needs"
        told += ": `penstock prepare` adds it"
        raise Wrong(told, "penstock prepare")


def broker(settings: Settings) -> None:
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


def topics(settings: Settings) -> None:
    """They are as the catalogue says: partitions, retention, whose clock, size."""
    from penstock.producers.errors import LogError
    from penstock.producers.topics_admin import check_topics

    try:
        problems = tuple(check_topics(settings.kafka_bootstrap_servers))
    except LogError as error:
        raise Wrong(str(error)) from error
    if problems:
        # Nothing changes the number of partitions: no line would mend that.
        lines = ("penstock prepare", "penstock topics mend")
        raise Wrong("; ".join(problems), *(line for line in lines if any(line in one for one in problems)))


def partitioner(_: Settings) -> None:
    """This machine's producer places keys by murmur2, as everybody who writes these topics must."""
    from penstock.cli.local.partitioner import placements
    from penstock.schemas.ids import partition_of

    keys = [f"key-{number}".encode() for number in range(16)]
    partitions, count = placements(keys)
    if partitions != [partition_of(key, count) for key in keys]:
        raise Wrong(
            "the producer doesn't place keys by murmur2: reinstall confluent-kafka as requirements.lock names it"
        )


def schemas(_: Settings) -> None:
    """Each schema of this version has an id in the lock."""
    from penstock.schemas.registry import Lock

    missing = [name for name, _text in Lock.read().missing()]
    if missing:
        raise Wrong(
            f"registry.lock has no id for {', '.join(missing[:3])}: type "
            "`python -m penstock.schemas.registry --lock`, and commit it"
        )


def database(settings: Settings) -> None:
    """Every migration is applied."""
    lacking = pending(settings)
    if lacking:
        raise Wrong(f"the database lacks {', '.join(lacking)}: type `penstock migrate`", "penstock migrate")


CHECKS: Final[Mapping[str, Check]] = {
    "application": application,
    "keys": keys,
    "schema ids": schemas,
    "broker": broker,
    "topics": topics,
    "partitioner": partitioner,
    "database": database,
}
