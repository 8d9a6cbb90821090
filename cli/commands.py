"""The list of commands that `penstock --help` shows, beside those of `penstock.cli.main`."""

from collections.abc import Mapping
from typing import Final

from penstock.cli.later import Later

START: Final = "Start and stop"
RUNS: Final = "Runs and their questions"
LOOK: Final = "Look and mend"
PANELS: Final = (START, RUNS, LOOK)

COMMANDS: Final[Mapping[str, Later]] = {
    "run": Later(
        "Start runs, look at them and speak to them.",
        "penstock.cli.run_app:run_app",
        RUNS,
        ("penstock.cli.runs", "penstock.cli.run_control", "penstock.cli.bulk", "penstock.cli.run_feedback"),
    ),
    "approvals": Later(
        "Questions that wait for a person.",
        "penstock.cli.questions:approvals_app",
        RUNS,
        ("penstock.cli.approval_control",),
    ),
    "schedules": Later(
        "Start runs at their times: by a cron expression, or at an interval.",
        "penstock.cli.schedules:schedules_app",
        RUNS,
        ("penstock.cli.schedule_mending",),
    ),
    "bulk": Later("Operations on many runs.", "penstock.cli.bulk:bulk_app", RUNS),
    "workflows": Later("Workflows and their versions.", "penstock.cli.workflows:workflows_app", RUNS),
    "trail": Later(
        "One run's whole trail: every event in order, where it stands, what caused it, who acted.",
        "penstock.cli.questions:trail",
        RUNS,
    ),
    "tail": Later(
        "Print events as they come: of one run until it has ended, or of all runs until Ctrl-C.",
        "penstock.cli.questions:tail",
        RUNS,
    ),
    "settle": Later(
        "Answer whether the effect of a call in doubt happened.", "penstock.cli.questions:settle", RUNS
    ),
    "cancel": Later(
        "Ask a run to end early; it is cancelled when every outstanding call of it is settled.",
        "penstock.cli.questions:cancel",
        RUNS,
    ),
    "release": Later(
        "Have a parked input decided again, and then those parked behind it.",
        "penstock.cli.questions:release",
        RUNS,
    ),
    "discard": Later("Give a parked input up.", "penstock.cli.questions:discard", RUNS),
    "status": Later(
        "What runs, what waits for people, how far behind each group is; exits with 1 if something is down.",
        "penstock.cli.questions:status",
        LOOK,
    ),
    "rebuild": Later(
        "Fold the log anew beside the views that are shown, show which rows differ, and swap if you agree.",
        "penstock.cli.rebuild:rebuild",
        LOOK,
    ),
    "topics": Later("The topics of the catalogue on this broker.", "penstock.cli.topics:topics_app", LOOK),
    "schemas": Later(
        "What can be said on the log, and under which ids.", "penstock.cli.schemas:schemas_app", LOOK
    ),
    "dlq": Later("Dead letters: records that could not be taken.", "penstock.cli.dlq:dlq_app", LOOK),
    "webhooks": Later("Who is notified by webhook, of what.", "penstock.cli.webhooks:webhooks_app", LOOK),
    "keys": Later("The API's keys.", "penstock.cli.keys:keys_app", LOOK),
    "actions": Later(
        "What operators did, newest first: who, what, why; of all tenants.",
        "penstock.cli.operators:actions",
        LOOK,
    ),
}
