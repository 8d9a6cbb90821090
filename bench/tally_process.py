"""A worker whose decider is the tally: `python -m bench.tally_process NOUN [timed]`.

The real Faust batch path, Postgres and Kafka. When it stops it leaves <NOUN>.json in the home directory: CPU
of each thread, batches handled and, if timed, what its ports took.
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import cpu, timers
from bench.tally import KEYRING, Tally, TallyDecider
from bench.timers import Timers
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Record
from penstock.runtime.settings import Settings
from penstock.schemas.codec import Codec
from penstock.schemas.registry import pinned
from penstock.streams.host import PartitionHost
from penstock.streams.postgres_journal import PostgresJournal
from penstock.streams.runner import Runner
from penstock.streams.worker import owner_name, run, worker_app


class CountedRunner(Runner[Tally]):
    """Counts its batches, and says at its end what it took."""

    report_to: Path
    batches = 0
    records = 0
    timers: Timers | None = None

    def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
        self.batches += 1
        self.records += sum(len(records) for records in batches.values())
        return super().handle_all(batches)

    def close(self) -> None:
        spent = cpu.threads_s(os.getpid())
        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        told = {
            "batches": self.batches,
            "records": self.records,
            "cpu_s_by_thread": {names.get(each, f"native {each}"): spent[each] for each in sorted(spent)},
            "phases": self.timers.report(max(self.records, 1)) if self.timers else {},
        }
        self.report_to.write_text(json.dumps(told))
        super().close()


def main(noun: str, timed: bool) -> int:
    """Run the worker until SIGTERM."""
    settings = Settings.load()
    logging.basicConfig(level="INFO", stream=sys.stderr)

    def host(settings: Settings) -> PartitionHost:
        decider, codec = TallyDecider(noun), Codec(pinned())
        journal = PostgresJournal(settings.database_url, noun)
        log = KafkaLog(settings.kafka_bootstrap_servers, noun)
        runner = CountedRunner(decider, journal, log, codec, KEYRING, owner_name(noun))
        runner.report_to = settings.home / f"{noun}.json"
        if timed:
            runner.timers = watched(runner, decider, journal, log, codec)
        return runner

    return run(worker_app([host], settings, noun))


def watched(
    runner: Runner[Tally], decider: TallyDecider, journal: object, log: object, codec: Codec
) -> Timers:
    """Timers at every port of a runner."""
    made = Timers()
    made.watch(codec, timers.CODEC)
    made.watch(KEYRING, timers.KEYRING)
    made.watch(decider, timers.DECIDER)
    made.watch(journal, timers.JOURNAL)
    made.watch(log, timers.LOG)
    made.watch(runner, {"handle_all": timers.HANDLE})
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "timed" in sys.argv[2:]))
