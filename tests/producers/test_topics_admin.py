"""Topics are made as the catalogue says, and what differs is told with what to do."""

import uuid
from dataclasses import replace

import pytest

from penstock.producers.errors import BrokerUnreachable
from penstock.producers.topics_admin import check_topics, ensure_topics, mend_topics
from penstock.schemas.topics import BY_NAME, RUN_INBOX, Topic


@pytest.fixture
def topics() -> tuple[Topic, Topic]:
    """Two topics like an inbox, under names that nobody else uses."""
    unique = uuid.uuid4().hex[:8]
    return (
        replace(BY_NAME[RUN_INBOX], name=f"test-{unique}.one"),
        replace(BY_NAME[RUN_INBOX], name=f"test-{unique}.two"),
    )


@pytest.mark.broker
def test_missing_topics_are_told_then_made_once(kafka: str, topics: tuple[Topic, Topic]) -> None:
    one, two = topics
    assert check_topics(kafka, topics) == [
        f"{topic.name} is missing: `penstock prepare` makes it" for topic in topics
    ]
    assert ensure_topics(kafka, [one]) == (one.name,)
    assert ensure_topics(kafka, topics) == (two.name,)
    assert ensure_topics(kafka, topics) == ()
    assert check_topics(kafka, topics) == []


@pytest.mark.broker
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("retention.ms", "1000"),
        ("message.timestamp.type", "CreateTime"),
        ("max.message.bytes", "1000"),
        ("cleanup.policy", "compact"),
    ],
)
def test_a_setting_that_differs_is_told_and_mended(
    kafka: str, topics: tuple[Topic, Topic], setting: str, value: str
) -> None:
    wanted, _ = topics
    ensure_topics(kafka, [replace(wanted, config={**wanted.config, setting: value})])
    (problem,) = check_topics(kafka, [wanted])
    assert problem.startswith(f"{wanted.name} has {setting}={value}, not {wanted.config[setting]}: ")
    assert "penstock topics mend" in problem
    assert mend_topics(kafka, [wanted]) == [f"{wanted.name}: {setting}={wanted.config[setting]}"]
    assert check_topics(kafka, [wanted]) == []
    assert mend_topics(kafka, [wanted]) == []


@pytest.mark.broker
def test_another_partition_count_is_told(kafka: str, topics: tuple[Topic, Topic]) -> None:
    wanted, _ = topics
    ensure_topics(kafka, [replace(wanted, partitions=2)])
    (problem,) = check_topics(kafka, [wanted])
    assert "has 2 partitions, not 6" in problem


def test_a_broker_that_does_not_answer_is_named_with_what_to_do() -> None:
    for ask in (ensure_topics, check_topics, mend_topics):
        with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:1 .*penstock up"):
            ask("127.0.0.1:1", timeout_s=0.2)
