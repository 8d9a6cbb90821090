"""A runs worker whose decider is the tally: `python -m tests.integration.tally_process NOUN [NAME]`."""

import logging
import sys

from penstock.producers.kafka import KafkaLog
from penstock.runtime.postgres import migrate
from penstock.runtime.settings import Settings
from penstock.streams.host import PartitionHost
from penstock.streams.postgres_journal import PostgresJournal
from penstock.streams.runner import Runner
from penstock.streams.worker import owner_name, run, worker_app
from tests.runner.tally import CODEC, KEYRING, TallyDecider


class NounTally(TallyDecider):
    """The tally under a noun of its own, so that tests on one broker don't meet."""

    def __init__(self, noun: str) -> None:
        super().__init__()
        self.noun = noun
        self.group_id = f"penstock.streams.{noun}"


def main() -> int:
    noun, name = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    settings = Settings.load()
    logging.basicConfig(
        level="INFO", stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )

    def host(settings: Settings) -> PartitionHost:
        migrate(settings)
        decider = NounTally(noun)
        journal = PostgresJournal(settings.database_url, noun)
        log = KafkaLog(settings.kafka_bootstrap_servers, noun)
        return Runner(decider, journal, log, CODEC, KEYRING, owner_name(name))

    return run(worker_app([host], settings, name))


if __name__ == "__main__":
    sys.exit(main())
