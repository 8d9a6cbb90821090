"""Counting in process: sums, histograms, bounds, and what leaves as OpenTelemetry's data or Prometheus's text."""

import threading
import time
from collections.abc import Mapping

import pytest
from opentelemetry.sdk.metrics.export import Gauge, Histogram, Metric, Sum

from penstock.runtime import metric_names as names
from penstock.runtime import prometheus
from penstock.runtime.meters import OTHER, SERIES_MAX, Meters, Tenants


def by_name(meters: Meters) -> Mapping[str, Metric]:
    return {metric.name: metric for metric in meters.collect()}


def test_a_counter_keeps_a_sum_for_each_set_of_attributes() -> None:
    meters = Meters()
    meters.total(names.CONSUMED).add(2, "runs", "inbox", "0")
    meters.total(names.CONSUMED).add(3, "runs", "inbox", "0")
    meters.total(names.CONSUMED).add(1, "runs", "inbox", "1")
    found = by_name(meters)[names.CONSUMED.name].data
    assert isinstance(found, Sum)
    assert found.is_monotonic
    points = {(point.attributes or {})[names.PARTITION]: point.value for point in found.data_points}
    assert points == {"0": 5, "1": 1}
    assert meters.value(names.CONSUMED, "runs", "inbox", "0") == 5


def test_counting_from_many_threads_loses_nothing() -> None:
    total = Meters().total(names.LEASES_LOST)

    def count() -> None:
        for _ in range(5_000):
            total.add(1)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total.read() == [((), 40_000)]


def test_a_histogram_counts_a_value_on_a_bound_below_it() -> None:
    meters = Meters()
    spread = meters.spread(names.BATCH_RECORDS)
    for value in (1, 2, 3, 1_000_000):
        spread.record(value, "runs")
    found = by_name(meters)[names.BATCH_RECORDS.name].data
    assert isinstance(found, Histogram)
    (point,) = found.data_points
    assert point.explicit_bounds[:3] == (1.0, 2.0, 5.0)
    assert tuple(point.bucket_counts)[:3] == (1, 1, 1)
    assert point.bucket_counts[-1] == 1
    assert (point.count, point.sum, point.min, point.max) == (4, 1_000_006, 1, 1_000_000)


def test_tenants_after_the_last_name_share_one() -> None:
    tenant = Tenants(2)
    assert [tenant(name) for name in ("a", "b", "c", "a", "d")] == ["a", "b", OTHER, "a", OTHER]


def test_series_after_the_last_share_one_and_nothing_is_lost() -> None:
    total = Meters().total(names.RETRIES)
    for number in range(SERIES_MAX + 10):
        total.add(1, f"tool-{number}")
    series = dict(total.read())
    assert len(series) == SERIES_MAX + 1
    assert series[(OTHER,)] == 10
    assert sum(series.values()) == SERIES_MAX + 10


def test_a_gauge_is_asked_when_somebody_collects() -> None:
    meters = Meters()
    depth = iter((7.0, 9.0))
    meters.observe(names.QUEUE_DEPTH, lambda: [(next(depth), ("runs", "inbox"))])
    for expected in (7.0, 9.0):
        found = by_name(meters)[names.QUEUE_DEPTH.name].data
        assert isinstance(found, Gauge)
        assert [point.value for point in found.data_points] == [expected]


def test_a_metric_without_measurements_isnt_exported() -> None:
    meters = Meters()
    meters.total(names.CONSUMED)
    meters.spread(names.PROCESS_SECONDS)
    assert meters.collect() == []


def test_prometheus_reads_counters_levels_and_cumulative_buckets() -> None:
    meters = Meters()
    meters.total(names.RETRIES).add(2, 'a "quoted" tool\n')
    meters.total(names.LEASES_HELD).add(1)
    for seconds in (0.001, 0.003, 99):
        meters.spread(names.CALL_SECONDS).record(seconds, "read")
    lines = prometheus.text(meters.collect(), {"service.name": "penstock.streams.tools"}).splitlines()
    assert 'target_info{service_name="penstock.streams.tools"} 1' in lines
    assert 'penstock_tool_retries_total{gen_ai_tool_name="a \\"quoted\\" tool\\n"} 2' in lines
    assert "# TYPE penstock_leases_held gauge" in lines
    assert "penstock_leases_held 1" in lines
    name = "penstock_tool_call_duration_seconds"
    assert f"# TYPE {name} histogram" in lines
    buckets = [line for line in lines if line.startswith(f"{name}_bucket")]
    assert buckets[0] == f'{name}_bucket{{gen_ai_tool_name="read",le="0.001"}} 1'
    assert [int(line.split()[-1]) for line in buckets][:3] == [1, 1, 2]
    assert buckets[-1] == f'{name}_bucket{{gen_ai_tool_name="read",le="+Inf"}} 3'
    assert f'{name}_count{{gen_ai_tool_name="read"}} 3' in lines


@pytest.mark.parametrize("kind", ["counter", "histogram"])
def test_counting_costs_less_than_the_sdk_would(kind: str) -> None:
    """The SDK's instruments take 7 us and more on the machine where ours take under 1: a fifth is far from both."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    meters = Meters()
    meter = MeterProvider([InMemoryMetricReader()]).get_meter("compared")
    attributes = {names.GROUP: "runs", names.STAGE: "decide"}
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    total, spread = meters.total(names.DEAD_LETTERS), meters.spread(names.STAGE_SECONDS)
    began_s = time.process_time()
    for _ in range(3_000):
        if kind == "counter":
            counter.add(1, attributes)
        else:
            histogram.record(0.1, attributes)
    theirs_s = time.process_time() - began_s
    began_s = time.process_time()
    for _ in range(3_000):
        if kind == "counter":
            total.add(1, "runs", "decide")
        else:
            spread.record(0.1, "runs", "decide")
    assert time.process_time() - began_s < theirs_s / 2
