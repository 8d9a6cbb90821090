"""A projector as a process of its own, for tests that kill it: broker, database, topics, group, name."""

import logging
import sys

from penstock.audit.projector import Projector
from penstock.producers.kafka import KafkaLog
from penstock.runtime.settings import Settings


def main(broker: str, database: str, topics: str, group: str, name: str) -> None:
    """Project until killed."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    settings = Settings(
        kafka_bootstrap_servers=broker, database_url=database, worker_name=name, session_timeout_ms=6000
    )
    Projector(settings, KafkaLog(broker, name), topics.split(","), group).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
