"""Counting in process: what a metric costs where it happens, and all of it as OpenTelemetry's own data when asked.

The SDK's instruments take 7 to 8 us a measurement with two attributes, twenty times what a cell in a dictionary
does; counting must cost nothing that anybody notices, whether somebody collects or not. So the cells are ours, and
the SDK's data model, resource, exporters and variables are what they leave through.
"""

import math
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    NumberDataPoint,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as Collected

from penstock.runtime.metric_names import Metric

# The attributes' values, in the order in which the catalogue names them.
Values: TypeAlias = tuple[str, ...]
Observed: TypeAlias = Iterable[tuple[float, Values]]

SERIES_MAX: Final = 2_000
TENANTS_MAX_DEFAULT: Final = 50
OTHER: Final = "other"


class Tenants:
    """Bounded names: the first so many tenants have their own, the rest share one."""

    def __init__(self, tenants_max: int = TENANTS_MAX_DEFAULT) -> None:
        self.tenants_max = tenants_max
        self._known: dict[str, str] = {}

    def __call__(self, tenant: str) -> str:
        """What a metric calls the tenant."""
        known = self._known.get(tenant)
        if known is not None:
            return known
        if len(self._known) >= self.tenants_max:
            return OTHER
        return self._known.setdefault(tenant, tenant)


class Total:
    """A counter, or a number that goes up and down. Thread-safe."""

    __slots__ = ("_cells", "_lock", "metric")

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._lock = threading.Lock()
        self._cells: dict[Values, float] = {}

    def add(self, amount: float, *values: str) -> None:
        """Count so many more; `values` in the order of the metric's attributes."""
        cells = self._cells
        with self._lock:
            if values in cells:
                cells[values] += amount
            else:
                values = _bounded(cells, values)
                cells[values] = cells.get(values, 0) + amount

    def read(self) -> list[tuple[Values, float]]:
        """Every series as it stands."""
        with self._lock:
            return list(self._cells.items())


class _Cell:
    __slots__ = ("counts", "count", "highest", "lowest", "total")  # noqa: RUF023 as they are read

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.count = 0
        self.total = 0.0
        self.lowest = math.inf
        self.highest = -math.inf


class Spread:
    """A histogram. Thread-safe."""

    __slots__ = ("_cells", "_lock", "metric")

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._lock = threading.Lock()
        self._cells: dict[Values, _Cell] = {}

    def record(self, value: float, *values: str) -> None:
        """One measurement; `values` in the order of the metric's attributes."""
        place = bisect_left(self.metric.bounds, value)
        with self._lock:
            cell = self._cells.get(values)
            if cell is None:
                values = _bounded(self._cells, values)
                cell = self._cells.setdefault(values, _Cell(len(self.metric.bounds) + 1))
            cell.counts[place] += 1
            cell.count += 1
            cell.total += value
            cell.lowest = min(cell.lowest, value)
            cell.highest = max(cell.highest, value)

    def points(self, start_ns: int, now_ns: int) -> list[HistogramDataPoint]:
        """Every series as it stands."""
        named = self.metric.attributes
        with self._lock:
            return [
                HistogramDataPoint(
                    *(_named(named, values), start_ns, now_ns, cell.count, cell.total, tuple(cell.counts)),
                    *(self.metric.bounds, cell.lowest, cell.highest),
                )
                for values, cell in self._cells.items()
            ]


class Meters:
    """What one process counts. A metric is made when it is first asked for, and is the same from then on."""

    def __init__(self, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self.tenant = Tenants()
        self._clock_ns = clock_ns
        self._start_ns = clock_ns()
        self._lock = threading.Lock()
        self._totals: dict[str, Total] = {}
        self._spreads: dict[str, Spread] = {}
        self._observed: dict[str, tuple[Metric, Callable[[], Observed]]] = {}

    def total(self, metric: Metric) -> Total:
        """The process's counter of that name."""
        assert metric.kind in ("counter", "updown"), metric
        with self._lock:
            return self._totals.setdefault(metric.name, Total(metric))

    def spread(self, metric: Metric) -> Spread:
        """The process's histogram of that name."""
        assert metric.kind == "histogram", metric
        with self._lock:
            return self._spreads.setdefault(metric.name, Spread(metric))

    def observe(self, metric: Metric, ask: Callable[[], Observed]) -> None:
        """A gauge: `ask` is called whenever somebody collects, mustn't raise, and answers soon."""
        assert metric.kind == "gauge", metric
        with self._lock:
            self._observed[metric.name] = (metric, ask)

    def collect(self) -> list[Collected]:
        """Everything that was counted since the process began, as OpenTelemetry's SDK describes it."""
        now_ns = self._clock_ns()
        with self._lock:
            totals, spreads = list(self._totals.values()), list(self._spreads.values())
            observed = list(self._observed.values())
        found = [self._sum(total, now_ns) for total in totals]
        for spread in spreads:
            points = spread.points(self._start_ns, now_ns)
            found.append(_described(spread.metric, Histogram(points, AggregationTemporality.CUMULATIVE)))
        for metric, ask in observed:
            gauge = [self._point(metric, values, number, now_ns) for number, values in ask()]
            found.append(_described(metric, Gauge(gauge)))
        return [metric for metric in found if metric.data.data_points]

    def value(self, metric: Metric, *values: str) -> float:
        """One number as it stands: a counter's total, the count of a histogram; 0 where nothing was counted."""
        if metric.kind == "histogram":
            points = self.spread(metric).points(0, 0)
            wanted = _named(metric.attributes, values)
            return sum(point.count for point in points if point.attributes == wanted)
        return dict(self.total(metric).read()).get(values, 0)

    def _sum(self, total: Total, now_ns: int) -> Collected:
        points = [self._point(total.metric, values, number, now_ns) for values, number in total.read()]
        return _described(
            total.metric, Sum(points, AggregationTemporality.CUMULATIVE, total.metric.kind == "counter")
        )

    def _point(self, metric: Metric, values: Values, number: float, now_ns: int) -> NumberDataPoint:
        return NumberDataPoint(_named(metric.attributes, values), self._start_ns, now_ns, number)


def _described(metric: Metric, shown: Sum | Gauge | Histogram) -> Collected:
    return Collected(metric.name, metric.description, metric.unit, shown)


def _named(attributes: Sequence[str], values: Values) -> dict[str, str]:
    return dict(zip(attributes, values, strict=True))


def _bounded(cells: Mapping[Values, object], values: Values) -> Values:
    """What a new series is called: one that is one too many shares a name with all that follow it."""
    return values if len(cells) < SERIES_MAX else (OTHER,) * len(values)


# Counted once a process, whoever hosts what in it. Tests have their own.
PROCESS: Final = Meters()
