"""The catalogue: every metric that a Penstock process counts. The descriptions are the documentation.

`docs/metrics.md` is made from this file (`python -m penstock.runtime.metrics_page`), and a test compares them.
Names that OpenTelemetry's conventions have are theirs; the others begin with `penstock.`. Seconds, not ms: that is
what dashboards of these conventions expect.
"""

from dataclasses import dataclass
from typing import Final, Literal

TOPIC: Final = "messaging.destination.name"
GROUP: Final = "messaging.consumer.group.name"
PARTITION: Final = "messaging.destination.partition.id"
ERROR: Final = "error.type"
TOOL: Final = "gen_ai.tool.name"
# Bounded: so many tenants have their name, the rest is `other`.
TENANT: Final = "penstock.tenant"
OUTCOME: Final = "penstock.outcome"
STAGE: Final = "penstock.stage"
TYPE: Final = "cloudevents.event_type"
VIEW: Final = "penstock.view"
STREAM: Final = "penstock.stream"

ATTRIBUTES: Final = {
    TOPIC: "the topic",
    GROUP: "the consumer group, which is the process type: `penstock.streams.runs` for one",
    PARTITION: "the partition's number",
    ERROR: "the name of the exception",
    TOOL: "the tool's name, without its version",
    TENANT: "the tenant: the first `PENSTOCK_METRICS_TENANTS_MAX` that a process meets by name, the rest as `other`",
    OUTCOME: "of a call `completed`, or the kind of the failure that the tools worker answers: `timeout`, `declined` …",
    STAGE: "`decide` (decode, decide, encode), `commit` (Postgres), `publish` (Kafka)",
    TYPE: "the record's type, as its `ce_type` header says: `RunStarted`, `CompleteToolCall` …",
    VIEW: "the view: `run`, `run_event`, `tool_call`, `approval`, `schedule`, `schedule_event`, `dead_letter`",
    STREAM: "what a stream is of: `run` or `tenant`",
    "http.request.method": "the method",
    "http.route": "the route's template, empty where none fits",
    "http.response.status_code": "the status code",
}

Kind = Literal["counter", "updown", "gauge", "histogram"]

# Seconds: from a batch of one record to a call that hangs.
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# Seconds that a record may have waited: up to a day.
_AGES: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3_600.0, 86_400.0)
_RECORDS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 5_000.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `bounds` are the upper bounds of a histogram's buckets, in its unit."""

    name: str
    unit: str
    kind: Kind
    description: str
    attributes: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


# What a host takes and does: counted once a batch, by streams.observed; the views' projector by audit.counting.
CONSUMED: Final = Metric(
    *("messaging.client.consumed.messages", "{message}", "counter"),
    "Records that a group has handled: the rate out of its queue. A record that comes again counts again.",
    (GROUP, TOPIC, PARTITION),
)
SENT: Final = Metric(
    *("messaging.client.sent.messages", "{message}", "counter"),
    "Records that a group has put on a topic and the broker has acknowledged, by type: runs started and completed,"
    " calls requested, approvals, answers …",
    (GROUP, TOPIC, TYPE),
)
PROCESS_SECONDS: Final = Metric(
    *("messaging.process.duration", "s", "histogram"),
    "How long a batch took, from its arrival at the host until all that it asks for is done.",
    (GROUP, TOPIC),
    _SECONDS,
)
BATCH_RECORDS: Final = Metric(
    *("penstock.batch.records", "{record}", "histogram"),
    "Records in a batch, all partitions together. Batches grow by themselves under load.",
    (GROUP,),
    _RECORDS,
)
STAGE_SECONDS: Final = Metric(
    *("penstock.batch.stage.duration", "s", "histogram"),
    "What a decider's batch spent in each stage. `commit` growing alone means Postgres, `publish` Kafka.",
    (GROUP, STAGE),
    _SECONDS,
)
RECORD_AGE: Final = Metric(
    *("penstock.record.age", "s", "histogram"),
    "Age of a batch's oldest record, by the log's time, when the batch was done: the lag in seconds.",
    (GROUP, TOPIC),
    _AGES,
)
BATCH_FAILURES: Final = Metric(
    *("penstock.batch.failures", "{batch}", "counter"),
    "Batches that a host couldn't handle. The process ends, and the batch comes again: none should be seen.",
    (GROUP, ERROR),
)
PARKED: Final = Metric(
    *("penstock.inputs.parked", "{input}", "counter"),
    "Inputs parked because deciding them failed. Above zero: mend the code, then `penstock release`.",
    (GROUP,),
)
DEAD_LETTERS: Final = Metric(
    *("penstock.dead_letters", "{record}", "counter"),
    "Records put aside because they can't be read, or stand where they don't belong. By the topic they came from.",
    (GROUP, TOPIC),
)
PARTITIONS_HELD: Final = Metric(
    *("penstock.partitions.held", "{partition}", "updown"),
    "Partitions that this process owns. Over all processes of a group: as many as the topic has, or some wait.",
    (GROUP, TOPIC),
)
TAKE_SECONDS: Final = Metric(
    *("penstock.partition.take.duration", "s", "histogram"),
    "How long taking a partition over took: from its assignment until its records may be read. Its count is the"
    " number of take-overs.",
    (GROUP, TOPIC),
    _SECONDS,
)
PARTITIONS_LOST: Final = Metric(
    *("penstock.partitions.lost", "{partition}", "counter"),
    "Partitions that turned out to be another owner's in the middle of a batch (fenced).",
    (GROUP, TOPIC),
)
FETCH_STALLS: Final = Metric(
    *("penstock.fetch.stalls", "{stall}", "counter"),
    "Partitions of which a consumer brought nothing for ten seconds or more, although the broker had more. They are"
    " read anew by themselves; where the log says that this didn't help, look at the broker.",
    (GROUP, TOPIC),
)
VIEW_ROWS: Final = Metric(
    *("penstock.views.rows", "{row}", "counter"),
    "Rows that the projector has written. A row that changes again counts again, once a batch.",
    (VIEW,),
)

# What tools do: counted once a call, through streams.observing.
CALLS: Final = Metric(
    *("penstock.tool.calls", "{call}", "counter"),
    "Executions of tools that are over, by tenant. An attempt that is tried again counts again.",
    (TOOL, TENANT, OUTCOME),
)
CALLS_ACTIVE: Final = Metric(
    *("penstock.tool.calls.active", "{call}", "updown"),
    "Executions under way: the concurrency in use, to be compared with the tool's limit.",
    (TOOL,),
)
CALL_SECONDS: Final = Metric(
    *("penstock.tool.call.duration", "s", "histogram"),
    "How long the tool's own function took.",
    (TOOL,),
    _SECONDS,
)
RETRIES: Final = Metric(
    *("penstock.tool.retries", "{call}", "counter"),
    "Executions that weren't a call's first attempt.",
    (TOOL,),
)
LEASES_HELD: Final = Metric(
    *("penstock.leases.held", "{lease}", "updown"),
    "Leases that this process holds: 1, or 0 while it may begin no unsafe call.",
)
LEASES_LOST: Final = Metric(
    *("penstock.leases.lost", "{lease}", "counter"),
    "Leases that ran out before they were renewed: the process was stopped, or the database was away, for longer.",
)

# Queues and views: asked when somebody collects, by the API.
QUEUE_DEPTH: Final = Metric(
    *("penstock.queue.depth", "{record}", "gauge"),
    "Records on the topic that the group hasn't handled, from the broker's watermarks and the group's own"
    " positions. True also while no process of the group runs: scale and alert on this one.",
    (GROUP, TOPIC),
)
QUEUE_AGE: Final = Metric(
    *("penstock.queue.oldest_age", "s", "gauge"),
    "Age of the oldest record that the group hasn't handled, by the log's time; 0 where none waits.",
    (GROUP, TOPIC),
)

# Webhooks: posts counted by their worker; what waits asked when somebody collects, by the API.
WEBHOOK_POSTS: Final = Metric(
    *("penstock.webhook.posts", "{post}", "counter"),
    "Posts to webhooks that are over, by what came of the delivery: `delivered`, `waiting` for another try, `failed`"
    " for good, `late` where another process had it by then.",
    (OUTCOME,),
)
WEBHOOKS_WAITING: Final = Metric(
    *("penstock.webhook.waiting", "{delivery}", "gauge"),
    "Deliveries that wait for their first try or another one. Those of disabled subscriptions too, for a day.",
)
WEBHOOKS_AGE: Final = Metric(
    *("penstock.webhook.oldest_age", "s", "gauge"),
    "Age of the oldest delivery that waits; 0 where none does. Growing: a receiver is away, or no worker posts.",
)

# The API.
HTTP_SECONDS: Final = Metric(
    *("http.server.request.duration", "s", "histogram"),
    "How long the API took to answer.",
    ("http.request.method", "http.route", "http.response.status_code"),
    _SECONDS,
)
HTTP_ACTIVE: Final = Metric(
    *("http.server.active_requests", "{request}", "updown"),
    "Requests that the API is answering.",
    ("http.request.method",),
)

STREAMS: Final = Metric(
    *("penstock.api.streams", "{stream}", "updown"),
    "Event streams that are open, of one run (`run`) or of all of a tenant's (`tenant`). They don't count as requests.",
    (STREAM,),
)

# Every process.
UPTIME: Final = Metric(
    *("process.uptime", "s", "gauge"),
    "How long the process has run. Over OTLP only: Prometheus has `up`.",
)

CATALOGUE: Final = tuple(value for value in dict(globals()).values() if isinstance(value, Metric))
