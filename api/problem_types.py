"""Every kind of problem that the API answers with: `urn:penstock:problem:<type>`, the status, and what it means.

A type with `{…}` is a family: what refused says the rest, and says it again as `reason`.
"""

import re
from typing import Final, NamedTuple


class ProblemType(NamedTuple):
    """One kind: its name, the statuses that it comes with, and what it means."""

    name: str
    status: str
    means: str


PROBLEM_TYPES: Final = tuple(
    ProblemType(*line.split(" | "))
    for line in """\
malformed-request | 400 | it can't be read as HTTP with a JSON body
two-lengths | 400 | two headers say how long it is
repeated-header | 400 | a header that may be there once is there twice
unauthenticated | 401 | no API key or token, or one that doesn't count
invalid-token | 401 | the token doesn't count, and why
forbidden | 403 | the caller has none of the roles
scope-missing | 403 | the key or token is limited to other scopes
people-only | 403 | a service asks for what only a person may
role-excludes | 403 | one of the caller's roles excludes it
more-than-yours | 403 | a key that could do more than its maker
not-for-people | 403 | a key that people can't have
token-without-{what} | 403 | the token is good, and names no subject, tenant or roles
not-found | 404 | there is no such thing, or it is another tenant's
no-such-path | 404 | no route has this path
method-not-allowed | 405 | the path has other methods: Allow lists them
head-too-slow | 408 | the head of the request didn't come in time
body-too-slow | 408 | the body of the request didn't come in time
idempotency-conflict | 409 | the Idempotency-Key came with other words before
cancel-refused:{reason} | 409 | the run refused to be cancelled
signal-refused:{reason} | 409 | the run refused the signal
pause-refused:{reason} | 403, 409 | the run refused to be paused
continue-refused:{reason} | 403, 409 | the run refused to go on
vote-refused:{reason} | 403, 409 | the vote doesn't count
delegate-refused:{reason} | 403, 409 | the question isn't handed on
escalate-refused:{reason} | 403, 409 | the question isn't escalated
settlement-refused:{reason} | 409 | the call isn't settled
migration-refused:{reason} | 409 | the run stays with its version, and the difference
feedback-refused:{reason} | 409 | the feedback isn't taken
callback-refused:{reason} | 409 | the answer to the call isn't taken
schedule-refused:{reason} | 403, 409 | the schedule refused it
dead-letter:{kind} | 409, 413 | the dead letter isn't redriven or discarded
callback-answered | 409 | the call has another answer
not-in-doubt | 409 | the call isn't in doubt
not-failed | 409 | the run hasn't failed: there is nothing to retry
start-unreadable | 409 | the start of the run can't be read any more
key-made-before | 409 | the request made its key before; the secret isn't shown twice
key-not-active | 409 | the key is revoked or has expired
webhook-made-before | 409 | the request made its webhook before; the secret isn't shown twice
webhook-disabled | 409 | the webhook is disabled: enable it
too-many-webhooks | 409 | the tenant has as many as it may
another-log | 409 | the token of the stream is another log's
events-gone | 410 | the events after that place are no longer kept
callback-expired | 410 | the call waits for no answer any more
run-moved-on | 412 | the run isn't as the caller saw it
schedule-moved-on | 412 | the schedule isn't as the caller saw it
webhook-moved-on | 412 | the webhook isn't as the caller saw it
payload-too-large | 413 | a payload over its limit
body-too-large | 413 | a body over its limit
unsupported-media-type | 415 | the body isn't said to be JSON
invalid-request | 422 | parameters or body: `errors` says where
invalid-place | 422 | no place in a stream
unknown-workflow | 422 | the application registers no such workflow or version
rate-limited | 429 | the key has asked too often
too-many-failures | 429 | the address came too often with credentials that don't count
too-many-open-runs | 429 | the tenant has as many open runs as it may
too-many-streams | 429 | the key has as many event streams as it may
internal | 500 | a fault of ours: send it again with the same Idempotency-Key, and report it
no-such-workflow | 501 | the application registers no case review
database-away | 503 | Postgres doesn't answer
not-migrated | 503 | the database has no views yet
not-shown-yet | 503 | the run was accepted, and the views don't show it yet
views-empty | 503 | the views have read nothing of the log yet
log-away | 503 | the broker doesn't answer: the record may stand on the log or not
log-busy | 503 | more waits for the broker than may
issuer-away | 503 | the issuer of tokens doesn't answer
keys-away | 503 | the API keys can't be read
start-under-way | 503 | the same start is under way
installation-full | 503 | all tenants together have as many open runs as they may
streams-full | 503 | the process has as many event streams as it may
waiting-room-full | 503 | as many wait for results as may
too-many-requests-at-once | 503 | the process works on as many requests as it may
too-many-connections | 503 | the process has as many connections as it may""".splitlines()
)
_PATTERN: Final = re.compile(
    "|".join(re.sub(r"\\\{\w+\\\}", "[a-z][a-z_-]*", re.escape(each.name)) for each in PROBLEM_TYPES)
)


def is_known(name: str) -> bool:
    """Whether clients were told of it."""
    return _PATTERN.fullmatch(name) is not None


def table() -> str:
    """All of them, as Markdown."""
    rows = (f"| `{name}` | {status} | {means} |" for name, status, means in PROBLEM_TYPES)
    return "| type | status | |\n|---|---|---|\n" + "\n".join(rows)
