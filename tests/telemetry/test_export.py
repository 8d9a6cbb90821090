"""How a process exports, by the environment alone. Each in a process of its own: OpenTelemetry's providers are one
to a process."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping

import pytest
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased

from penstock.cli.local import ports
from penstock.runtime.telemetry import sampler

PROGRAM = """
import logging, sys, urllib.request
logging.basicConfig(stream=sys.stderr, format="%(message)s")
from opentelemetry import trace
from penstock.runtime import metric_names as names, telemetry
from penstock.runtime.meters import PROCESS
shown = telemetry.start("penstock.streams.runs", "runs-1")
PROCESS.total(names.LEASES_LOST).add(3)
span = trace.get_tracer("t").start_span("process penstock")
print("recording", span.is_recording(), file=sys.stderr)
span.end()
if shown.server:
    print(urllib.request.urlopen(f"http://127.0.0.1:{shown.server.port}/metrics").read().decode())
shown.close()
"""


def description(found: Sampler) -> str:
    return str(found.get_description())


def run(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PENSTOCK_"))}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    return ended


def test_by_default_nothing_leaves_and_nothing_is_sampled() -> None:
    ended = run({})
    assert ended.stdout == ""
    assert ended.stderr == "recording False\n"


def test_what_was_counted_and_traced_leaves_through_the_exporters_that_the_environment_names() -> None:
    ended = run(
        {
            "OTEL_METRICS_EXPORTER": "console",
            "OTEL_TRACES_EXPORTER": "console",
            "OTEL_TRACES_SAMPLER_ARG": "1",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        }
    )
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(ended.stdout.rstrip()):
        one, at = decoder.raw_decode(ended.stdout, at)
        found.append(one)
        while at < len(ended.stdout) and ended.stdout[at].isspace():
            at += 1
    (exported,) = (one for one in found if "resource_metrics" in one)
    (span,) = (one for one in found if one.get("name") == "process penstock")
    of_process = exported["resource_metrics"][0]
    attributes = of_process["resource"]["attributes"]
    assert (
        attributes["service.name"]
        == span["resource"]["attributes"]["service.name"]
        == "penstock.streams.runs"
    )
    assert attributes["service.instance.id"].startswith("runs-1@")
    assert attributes["deployment.environment.name"] == "test"
    metrics = {m["name"]: m["data"] for scope in of_process["scope_metrics"] for m in scope["metrics"]}
    assert metrics["penstock.leases.lost"]["data_points"][0]["value"] == 3
    assert metrics["process.uptime"]["data_points"][0]["value"] > 0


def test_prometheus_reads_a_port_of_its_own() -> None:
    ended = run({"PENSTOCK_METRICS_PORT": str(ports.free_port())})
    assert "penstock_leases_lost_total 3" in ended.stdout
    assert 'service_name="penstock.streams.runs"' in ended.stdout


def test_a_port_that_is_taken_stops_nobody() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = run({"PENSTOCK_METRICS_PORT": str(taken.getsockname()[1])})
    assert "PENSTOCK_METRICS_PORT can't be had" in ended.stderr


def test_an_exporter_that_isnt_installed_is_named_and_stops_nobody() -> None:
    ended = run({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert "pip install opentelemetry-exporter-otlp-proto-grpc" in ended.stderr


def test_the_sdk_can_be_switched_off() -> None:
    ended = run(
        {"OTEL_SDK_DISABLED": "true", "OTEL_METRICS_EXPORTER": "console", "PENSTOCK_METRICS_PORT": "1"}
    )
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("environment", "described"),
    [
        ({}, ParentBased(TraceIdRatioBased(0.01))),
        ({"OTEL_TRACES_SAMPLER_ARG": "0.5"}, ParentBased(TraceIdRatioBased(0.5))),
        ({"OTEL_TRACES_SAMPLER_ARG": "many"}, ParentBased(TraceIdRatioBased(0.01))),
    ],
)
def test_one_new_trace_in_a_hundred_is_sampled_unless_it_is_said(
    environment: Mapping[str, str], described: ParentBased
) -> None:
    found = sampler(environment)
    assert found is not None
    assert description(found) == description(described)


def test_a_sampler_that_is_named_is_the_sdks_to_make() -> None:
    assert sampler({"OTEL_TRACES_SAMPLER": "always_on"}) is None
