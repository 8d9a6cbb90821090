"""Metrics as Prometheus reads them: the text, and a small server for processes that have none of their own."""

import logging
import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from opentelemetry.sdk.metrics.export import Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum

log = logging.getLogger("penstock.telemetry")

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
PATH: Final = "/metrics"
_UNITS: Final = {"s": "_seconds", "By": "_bytes"}
_ODD: Final = re.compile("[^a-zA-Z0-9_:]")
_ESCAPED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def text(metrics: Iterable[Metric], resource: Mapping[str, object]) -> str:
    """The exposition format, with `target_info` for the process. Names by OpenTelemetry's rules for Prometheus."""
    return "".join(f"{line}\n" for line in _lines(metrics, resource))


def _lines(metrics: Iterable[Metric], resource: Mapping[str, object]) -> Iterator[str]:
    yield "# HELP target_info The process that counts."
    yield "# TYPE target_info gauge"
    yield f"target_info{_labels(resource)} 1"
    for metric in metrics:
        shown = metric.data
        monotonic = isinstance(shown, Sum) and shown.is_monotonic
        name = _ODD.sub("_", metric.name) + _UNITS.get(metric.unit or "", "") + "_total" * monotonic
        kind = "histogram" if isinstance(shown, Histogram) else "counter" if monotonic else "gauge"
        yield f"# HELP {name} {(metric.description or '').translate(_ESCAPED)}"
        yield f"# TYPE {name} {kind}"
        for point in shown.data_points:
            if isinstance(point, HistogramDataPoint):
                yield from _buckets(name, point.attributes or {}, point)
            elif isinstance(point, NumberDataPoint):
                yield f"{name}{_labels(point.attributes or {})} {_number(point.value)}"


def _buckets(name: str, attributes: Mapping[str, object], point: HistogramDataPoint) -> Iterator[str]:
    below = 0
    for bound, count in zip((*point.explicit_bounds, math.inf), point.bucket_counts, strict=True):
        below += count
        yield f"{name}_bucket{_labels({**attributes, 'le': _number(bound)})} {below}"
    yield f"{name}_sum{_labels(attributes)} {_number(point.sum)}"
    yield f"{name}_count{_labels(attributes)} {point.count}"


def _labels(attributes: Mapping[str, object]) -> str:
    if not attributes:
        return ""
    pairs = (f'{_ODD.sub("_", key)}="{str(value).translate(_ESCAPED)}"' for key, value in attributes.items())
    return "{" + ",".join(pairs) + "}"


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))


class MetricsServer:
    """Answers GET /metrics on a port of its own, in a daemon thread, without asking who you are."""

    def __init__(self, host: str, port: int, collect: Callable[[], str]) -> None:
        """`port` 0 takes a free one; `self.port` says which. Raises OSError if it can't be had."""

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.split("?")[0] != PATH:
                    self.send_error(404, explain=f"only {PATH} is here")
                    return
                body = collect().encode()
                self.send_response(200)
                self.send_header("Content-Type", CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                log.debug(format, *args)

        self._server = ThreadingHTTPServer((host, port), Answering)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
