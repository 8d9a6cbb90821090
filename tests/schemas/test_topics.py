"""The catalogue: every record has its topic, every topic its rules."""

import pytest

from penstock.schemas.avro import declared, kind, standalone
from penstock.schemas.topics import (
    ALL_TOPICS,
    BY_NAME,
    NOUN_TOPICS,
    RUN_EVENTS,
    RUN_INBOX,
    dead_letter_topic,
    topics_of,
)


@pytest.mark.parametrize("record", sorted(standalone()))
def test_every_record_belongs_to_a_topic_of_its_kind(record: str) -> None:
    suffix = {"input": ".inbox", "event": ".events", "fact": ".actions"}[kind(declared()[record])]
    assert topics_of(record)
    assert all(topic.name.endswith(suffix) for topic in topics_of(record))


def test_topics_list_nothing_but_records_that_exist_and_each_once() -> None:
    for topic in NOUN_TOPICS:
        assert set(topic.records) <= set(standalone())
        assert len(set(topic.records)) == len(topic.records)


def test_a_record_that_isnt_declared_belongs_nowhere() -> None:
    assert topics_of("penstock.run.RunForgotten") == ()


def test_inbox_and_events_of_a_noun_have_the_same_partitions() -> None:
    assert BY_NAME[RUN_INBOX].partitions == BY_NAME[RUN_EVENTS].partitions == 6


def test_each_consumer_group_has_its_dead_letters() -> None:
    assert {topic.name for topic in ALL_TOPICS} == {
        "penstock.run.inbox",
        "penstock.run.events",
        "penstock.operator.actions",
        "penstock.run.inbox.penstock.streams.runs.dlq",
        "penstock.run.events.penstock.streams.tools.dlq",
        "penstock.run.events.penstock.streams.timers.dlq",
        "penstock.run.events.penstock.streams.webhooks.dlq",
        "penstock.run.events.penstock.audit.views.dlq",
        "penstock.operator.actions.penstock.audit.views.dlq",
        "penstock.schedule.inbox",
        "penstock.schedule.events",
        "penstock.schedule.inbox.penstock.streams.schedules.dlq",
        "penstock.schedule.events.penstock.streams.firing.dlq",
        "penstock.schedule.events.penstock.audit.views.dlq",
    }
    assert dead_letter_topic("a.inbox", "b.c") == "a.inbox.b.c.dlq"
    for name in BY_NAME:
        # Kafka's limit on a topic's name.
        assert len(name) <= 249


def test_every_topic_keeps_everything_in_log_append_time() -> None:
    for topic in ALL_TOPICS:
        assert topic.config["retention.ms"] == "-1"
        assert topic.config["retention.bytes"] == "-1"
        assert topic.config["cleanup.policy"] == "delete"
        assert topic.config["message.timestamp.type"] == "LogAppendTime"


def test_what_holds_another_record_has_room_for_the_largest_of_them() -> None:
    def room(topic: str) -> int:
        return int(BY_NAME[topic].config["max.message.bytes"])

    assert room(RUN_INBOX) == 1024 * 1024
    # InputParked holds a whole input, a dead letter a whole record and more headers.
    assert room(RUN_EVENTS) >= 2 * room(RUN_INBOX)
    for topic in NOUN_TOPICS:
        for group in topic.consumers:
            assert room(dead_letter_topic(topic.name, group)) > room(topic.name)


def test_the_catalogue_cant_be_changed_while_the_process_runs() -> None:
    with pytest.raises(TypeError):
        BY_NAME[RUN_INBOX].config["retention.ms"] = "1"  # type: ignore[index]
    with pytest.raises(AttributeError):
        BY_NAME[RUN_INBOX].partitions = 7  # type: ignore[misc]
    assert hash(BY_NAME[RUN_INBOX]) == hash(BY_NAME[RUN_INBOX])
