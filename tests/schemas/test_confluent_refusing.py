"""The live registry, when it refuses, says what isn't an answer, or stays away."""

from typing import Any

import pytest
from tests.schemas.small_registry import CANCEL, Clock, Registry, live, serving

from penstock.schemas.codec import Codec
from penstock.schemas.confluent import RegistryRefused, RegistryUnavailable


def test_a_404_that_is_no_registrys_is_refused_instead_of_dead_lettering_the_log(
    registry: type[Registry], url: str
) -> None:
    for body in (b"<html>no such page</html>", {"detail": "Not Found"}):
        registry.answers.append((404, body))
        with pytest.raises(RegistryRefused, match="SCHEMA_REGISTRY_URL"):
            Codec(live(url)).decode_input(b"\0" + (9).to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "credentials"),
        (403, "credentials"),
        (409, "registry.lock"),
        (422, "registry.lock"),
        (400, "said so"),
    ],
)
def test_a_refusal_says_what_the_registry_said_and_what_to_do(
    registry: type[Registry], url: str, status: int, advice: str
) -> None:
    registry.answers.append((status, {"error_code": status, "message": "it said so"}))
    with pytest.raises(RegistryRefused, match="it said so") as refused:
        live(url).id_of(CANCEL)
    assert advice in str(refused.value)


@pytest.mark.parametrize("answer", [b"hello", [], {"schema": 7}, {"schema": "{"}, {}])
def test_an_answer_that_is_no_schema_is_refused(registry: type[Registry], url: str, answer: Any) -> None:
    registry.answers.append((200, answer))
    with pytest.raises(RegistryRefused, match="is this URL a registry"):
        live(url).schema_of(9)


@pytest.mark.parametrize("answer", [b"hello", [], {"id": "7"}, {"id": True}, {}])
def test_an_answer_that_is_no_id_is_refused(registry: type[Registry], url: str, answer: Any) -> None:
    registry.answers.append((200, answer))
    with pytest.raises(RegistryRefused, match="is this URL a registry"):
        live(url).id_of(CANCEL)


def test_a_registry_that_fails_for_a_while_is_waited_for(registry: type[Registry], url: str) -> None:
    registry.answers += [(503, {}), (429, {}), (500, b"")]
    clock = Clock()
    assert live(url, clock).id_of(CANCEL) == registry.first_id
    assert clock.now == pytest.approx(1.5)


def test_a_registry_that_comes_up_late_is_waited_for(registry: type[Registry]) -> None:
    with serving(registry) as url:
        port = int(url.rpartition(":")[2])
    started: list[Any] = []

    def start() -> None:
        if not started:
            started.append(serving(registry, port))
            started[0].__enter__()

    try:
        assert live(url, Clock(start)).id_of(CANCEL) == registry.first_id
    finally:
        started[0].__exit__(None, None, None)


def test_a_registry_that_stays_away_is_unavailable_and_never_undecodable(registry: type[Registry]) -> None:
    with serving(registry) as url:
        pass
    clock = Clock()
    with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1") as away:
        Codec(live(url.replace("//", "//clerk:secret@"), clock)).decode_input(b"\0\0\0\0\x07x")
    assert clock.now >= 30.0
    assert "secret" not in str(away.value)


def test_subjects_that_disagree_about_an_id_are_refused(
    registry: type[Registry], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from penstock.schemas import confluent
    from penstock.schemas.topics import BY_NAME

    monkeypatch.setattr(confluent, "topics_of", lambda record: tuple(BY_NAME.values())[:2])
    registry.answers += [(200, {"id": 1}), (200, {"id": 2})]
    with pytest.raises(RegistryRefused, match="one context"):
        live(url).id_of(CANCEL)
