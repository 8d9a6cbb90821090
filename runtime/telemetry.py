"""Telemetry of one process: whoever runs as one calls `start` once, and `close` before it ends.

Counting goes on in any case (`runtime.meters`). This joins it to the world: metrics and spans to an OTLP endpoint
when OpenTelemetry's variables name one, metrics on a port when PENSTOCK_METRICS_PORT does. Without either nothing
is exported, no thread runs, and no new trace is sampled. Telemetry never stops a process: what can't be had is
logged, with what to do about it.
"""

import logging
import os
import socket
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Final, Protocol, cast

from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation, set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from penstock.runtime import prometheus
from penstock.runtime.meters import PROCESS, Meters, Tenants
from penstock.runtime.metric_names import UPTIME
from penstock.runtime.telemetry_settings import SAMPLED_SHARE, TelemetrySettings

log = logging.getLogger("penstock.telemetry")

SCOPE: Final = "penstock"
CLOSE_MS: Final = 2_000


class _Maker(Protocol):
    def load(self) -> type[object]: ...


class Telemetry:
    """What `start` has set up. Its `text` is what Prometheus reads."""

    def __init__(
        self,
        meters: Meters,
        resource: Resource,
        metrics: MeterProvider | None = None,
        traces: TracerProvider | None = None,
        server: prometheus.MetricsServer | None = None,
    ) -> None:
        self.meters = meters
        self.server = server
        self._resource = resource
        self._metrics = metrics
        self._traces = traces

    def text(self) -> str:
        """Everything that the process has counted, in Prometheus's format."""
        return prometheus.text(self.meters.collect(), self._resource.attributes)

    def close(self) -> None:
        """Send what is left, for at most some seconds, and let go."""
        if self.server is not None:
            self.server.close()
        if self._metrics is not None:
            self._metrics.shutdown(timeout_millis=CLOSE_MS)
        if self._traces is not None:
            self._traces.force_flush(CLOSE_MS)
            self._traces.shutdown()


def start(service: str, worker_name: str = "", *, meters: Meters = PROCESS) -> Telemetry:
    """Begin to export what the environment says. `service` is the process's group id.

    Called once a process: OpenTelemetry's global providers are set, for the code of tools too.
    """
    told = TelemetrySettings()
    meters.tenant = Tenants(told.tenants_max)
    resource = resource_of(service, worker_name)
    if _flag("OTEL_SDK_DISABLED"):
        return Telemetry(meters, resource)
    shown = Telemetry(meters, resource, _metrics(resource, meters), _traces(resource))
    if told.port:
        try:
            shown.server = prometheus.MetricsServer(told.host, told.port, shown.text)
        except OSError as error:
            log.warning(
                "metrics aren't shown: port %d of PENSTOCK_METRICS_PORT can't be had (%s). Give each process its own",
                *(told.port, error),
            )
    return shown


def resource_of(service: str, worker_name: str = "") -> Resource:
    """Who counts. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come first."""
    instance = f"{worker_name or 'worker'}@{socket.gethostname()}:{os.getpid()}"
    ours = Resource.create({"service.name": service, "service.instance.id": instance})
    return ours.merge(OTELResourceDetector().detect())


class WithOurs(MetricExporter):
    """An exporter that also exports what our meters hold, whenever the SDK has something to export."""

    def __init__(self, exporter: MetricExporter, meters: Meters) -> None:
        # The SDK reads from these two how its own instruments are to be added up.
        super().__init__(exporter._preferred_temporality, exporter._preferred_aggregation)
        self._exporter = exporter
        self._meters = meters

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object
    ) -> MetricExportResult:
        """As MetricExporter says."""
        first, *rest = metrics_data.resource_metrics
        ours = ScopeMetrics(InstrumentationScope(SCOPE), self._meters.collect(), "")
        with_ours = ResourceMetrics(first.resource, (*first.scope_metrics, ours), first.schema_url)
        return self._exporter.export(MetricsData((with_ours, *rest)), timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """As MetricExporter says."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """As MetricExporter says."""
        self._exporter.shutdown(timeout_millis, **kwargs)


def sampler(environment: Mapping[str, str] = os.environ) -> Sampler | None:
    """None where OTEL_TRACES_SAMPLER says it: the SDK reads that by itself. Else 1 %, or the share in its _ARG."""
    if environment.get("OTEL_TRACES_SAMPLER"):
        return None
    try:
        share = float(environment.get("OTEL_TRACES_SAMPLER_ARG") or SAMPLED_SHARE)
        return ParentBased(TraceIdRatioBased(share))
    except ValueError:
        log.warning("OTEL_TRACES_SAMPLER_ARG isn't a share between 0 and 1: sampling %g", SAMPLED_SHARE)
        return ParentBased(TraceIdRatioBased(SAMPLED_SHARE))


def _metrics(resource: Resource, meters: Meters) -> MeterProvider | None:
    exporter = cast("MetricExporter | None", _exporter("METRICS"))
    if exporter is None:
        return None
    reader = PeriodicExportingMetricReader(WithOurs(exporter, meters))
    provider = MeterProvider([reader], resource)

    began_s = time.monotonic()

    def uptime(_: CallbackOptions) -> Sequence[Observation]:
        return [Observation(time.monotonic() - began_s)]

    # One instrument is the SDK's own: it exports nothing while it has no measurement.
    about = (UPTIME.name, [uptime], UPTIME.unit, UPTIME.description)
    provider.get_meter(SCOPE).create_observable_gauge(*about)
    set_meter_provider(provider)
    return provider


def _traces(resource: Resource) -> TracerProvider | None:
    exporter = cast("SpanExporter | None", _exporter("TRACES"))
    if exporter is None:
        return None
    provider = TracerProvider(sampler(), resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def _exporter(signal: str) -> object | None:
    """The exporter that OTEL_{signal}_EXPORTER names, `otlp` where only an endpoint is given; None for none."""
    addressed = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or os.environ.get(
        "OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    name = os.environ.get(f"OTEL_{signal}_EXPORTER") or ("otlp" if addressed else "none")
    if name == "none":
        return None
    if name == "otlp":
        protocol = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or os.environ.get(
            "OTEL_EXPORTER_OTLP_PROTOCOL", ""
        )
        name = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    found = entry_points(group=f"opentelemetry_{signal.lower()}_exporter", name=name)
    for entry in found:
        made: object = cast("_Maker", entry).load()()
        return made
    package = f"opentelemetry-exporter-{name.replace('_', '-')}"
    log.warning("%s aren't exported: `pip install %s`, or correct OTEL_*_EXPORTER", signal.lower(), package)
    return None


def _flag(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() == "true"
