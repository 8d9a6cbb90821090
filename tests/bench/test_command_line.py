"""The benchmarks' command line and their last line; nothing is measured here."""

import math

import pytest
from bench.choosing import NAMES, parser
from bench.failing import BenchFailed
from bench.figures import Figures, machine, parse, quantile
from bench.preloaded import span_ms
from bench.runner import in_memory
from bench.tally import INPUT_BYTES, KEYRING, TallyDecider, TallyTopics, inputs

from penstock.producers.log import Record
from penstock.producers.memory import MemoryLog
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import PARTITIONS
from penstock.streams.memory_journal import MemoryJournal
from penstock.streams.runner import Runner


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_quick(name: str) -> None:
    chosen = parser().parse_args([name, "--quick"])
    assert (chosen.name, chosen.quick) == (name, True)


def test_options_belong_to_their_benchmark() -> None:
    assert parser().parse_args(["casework", "--blueprint", "--in-flight", "9"]).in_flight == 9
    with pytest.raises(SystemExit):
        parser().parse_args(["floor", "--blueprint"])


def test_an_unknown_benchmark_is_refused() -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["nonsense"])


def test_the_last_line_reads_back() -> None:
    line = Figures("floor", {"floor_records_per_s": 12_345.6, "ratio": 0.34567}).text()
    assert line == "floor floor_records_per_s=12346 ratio=0.3457"
    assert parse(line) == ("floor", {"floor_records_per_s": 12_346.0, "ratio": 0.3457})


def test_a_line_without_figures_is_none() -> None:
    with pytest.raises(ValueError, match="no figures"):
        parse("floor")


def test_quantiles_are_of_the_nearest_rank() -> None:
    values = [float(each) for each in range(100, 0, -1)]
    assert (quantile(values, 0.5), quantile(values, 0.95), quantile(values, 1.0)) == (50.0, 95.0, 100.0)
    assert math.isnan(quantile([], 0.5))


def test_results_say_where_they_come_from() -> None:
    assert {"cores", "memory_gib", "cpu", "python", "kafka", "packages", "load_1m"} <= machine().keys()


def test_inputs_have_the_size_that_is_claimed() -> None:
    made = list(inputs(20, TallyTopics("plain").inbox))
    assert {len(one.value or b"") for one in made} == {INPUT_BYTES}


def test_the_runner_in_memory_makes_an_event_an_input() -> None:
    found = in_memory(600, quick=True)
    assert found.line["records_per_s"] > 0
    phases = found.details["phases"]
    assert isinstance(phases, dict)
    assert {"decode", "decide", "encode", "commit", "publish", "rest", "handle"} <= phases.keys()


def test_a_lost_or_repeated_event_is_no_figure() -> None:
    one, two = (Record("t", 0, n, n, m.key, m.value, m.headers) for n, m in enumerate(_events(2)))
    assert span_ms([one, two], 2, "it") == 1
    for wrong in ([one], [one, two, two], [one, one]):
        with pytest.raises(BenchFailed):
            span_ms(wrong, 2, "it")


def _events(count: int) -> list[Record]:
    """Events of so many inputs, as a runner on the memory log writes them."""
    topics = TallyTopics("plain")
    log = MemoryLog(topics.catalogue())
    log.append(list(inputs(count, topics.inbox)))
    runner = Runner(TallyDecider("plain"), MemoryJournal(), log, pinned_codec(), KEYRING, "test")
    found: list[Record] = []
    for partition in range(PARTITIONS):
        position = runner.take(partition)
        runner.handle_all({partition: log.deliver(topics.inbox, partition, position)})
        end = log.bounds(topics.events, partition)[1]
        found += list(log.read(topics.events, partition, 1, end))
    return found
