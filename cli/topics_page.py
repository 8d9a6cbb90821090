"""What `penstock topics list` shows."""

import json

from rich.table import Table

from penstock.cli.screen import console
from penstock.producers.kafka_topics import ClusterTopics
from penstock.producers.topics_admin import TIMEOUT_S_DEFAULT, problems_by_topic
from penstock.runtime.settings import Settings
from penstock.schemas.topics import ALL_TOPICS


def show(settings: Settings, as_json: bool) -> int:
    """Print the catalogue as it stands on the broker; the exit code: 1 if something is wrong."""
    where = settings.kafka_bootstrap_servers
    there = ClusterTopics(where, TIMEOUT_S_DEFAULT).partitions()
    problems = problems_by_topic(where)
    lines = [
        {
            "topic": topic.name,
            "partitions": there.get(topic.name, 0),
            "owner": topic.owner,
            "key": topic.key,
            "records": list(topic.records),
            "problems": problems[topic.name],
        }
        for topic in ALL_TOPICS
    ]
    wrong = any(problems.values())
    if as_json:
        print(json.dumps({"topics": lines}))
        return wrong
    table = Table("topic", "partitions", "written by", "wrong", box=None, pad_edge=False)
    for topic in ALL_TOPICS:
        table.add_row(
            topic.name, str(there.get(topic.name, 0)), topic.owner, "; ".join(problems[topic.name]) or "-"
        )
    console.print(table)
    return wrong
