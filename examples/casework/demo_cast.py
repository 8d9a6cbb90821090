"""Who acts in the demonstration: an app with the SDK, people with API keys, an operator, and the witnesses."""

import json
import os
import uuid
from collections.abc import Iterator
from typing import Final

import httpx

from penstock.audit import reading, witnesses
from penstock.cli import api_keys
from penstock.examples.casework.desk import open_desk
from penstock.examples.casework.facts import CaseReviewRequest
from penstock.producers.kafka import KafkaLog
from penstock.producers.publisher import Publisher
from penstock.producers.runs import RunClient
from penstock.producers.signing import LOCAL_APP_KEY, LOCAL_TENANT, Authority, Keyring
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings
from penstock.schemas.canonical import canonical_json
from penstock.schemas.codec import codec_for
from penstock.schemas.envelope.records import Actor

_EXECUTIONS: Final = (
    "select call_key, nonce::text, (extract(epoch from executed_at) * 1000)::bigint from casework.execution"
)
# The answer to a doubt is the next settlement of its call.
_DOUBTS: Final = """
    select coalesce(c.tool, ''), coalesce((
        select e.event ->> 'settled_by' from views.run_event as e
        where e.run_id = d.run_id and e.seq > d.seq and e.event ->> 'call_id' = d.event ->> 'call_id'
          and e.type in ('ToolCallCompleted', 'ToolCallFailed') order by e.seq limit 1), 'nobody yet')
    from views.run_event as d left join views.tool_call as c on c.call_id::text = d.event ->> 'call_id'
    where d.type = 'ToolCallInDoubt' and d.run_id::text = any(%s)
"""
# The case store's clock and the log's are two: on one machine they agree to within this.
CLOCK_SKEW_MS: Final = 1_000


def demo_keys(settings: Settings) -> dict[str, str]:
    """API keys of the demonstration's people, kept beside the hashes so that the next run can use them too."""
    kept = settings.home / "demo-keys.json"
    if kept.exists() and settings.api_keys_file.exists():
        keys: dict[str, str] = json.loads(kept.read_text())
        return keys
    made = api_keys.ensure(settings.api_keys_file) or tuple(
        api_keys.add(settings.api_keys_file, subject, roles) for subject, roles in api_keys.PEOPLE
    )
    keys = {key.subject: key.text for key in made}
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(keys, file)
    return keys


class Cast:
    """Everybody, with what they need. `receipts` are the ids of all runs that were acknowledged."""

    def __init__(self, settings: Settings, api_url: str, keys: dict[str, str]) -> None:
        keyring = Keyring.load(settings.keys_file)
        self.receipts: list[str] = []
        self.log = KafkaLog(settings.kafka_bootstrap_servers, "casework-demo")
        self._codec = codec_for(settings.schema_registry_url)
        self._app_publisher = Publisher(self.log, self._codec, keyring.signer(Authority.APP), "casework-app")
        self._operator_publisher = Publisher(
            self.log, self._codec, keyring.signer(Authority.OPERATOR), "penstock-operator"
        )
        self._app = RunClient(
            self._app_publisher,
            LOCAL_TENANT,
            Actor(kind="app", subject=LOCAL_APP_KEY, roles=("analyst",)),
        )
        self._operator = RunClient(
            self._operator_publisher,
            LOCAL_TENANT,
            Actor(kind="person", subject="olga", roles=("operator",)),
        )
        self._desk = open_desk(settings.database_url)
        self._connection = connect(settings.database_url, application_name="casework.demo")
        self._doors = {
            subject: httpx.Client(base_url=api_url, headers={"Authorization": f"Bearer {key}"}, timeout=20)
            for subject, key in keys.items()
        }

    def start_by_sdk(self, case_ids: list[str]) -> None:
        """The app asks for reviews, and waits until the log has them all."""
        started = [
            self._app.start(
                "case-review", CaseReviewRequest(case_id=case_id), f"sdk-{case_id}-{uuid.uuid4()}"
            )
            for case_id in case_ids
        ]
        for one in started:
            one.wait(30)
            self.receipts.append(one.run_id)

    def start_by_rest(self, case_id: str) -> str:
        """Ana asks for one review over HTTP."""
        answer = self._doors["ana"].post(
            "/case-review", json={"case_id": case_id}, headers={"Idempotency-Key": f"rest-{uuid.uuid4()}"}
        )
        answer.raise_for_status()
        task_id = str(answer.json()["task_id"])
        self.receipts.append(task_id)
        return task_id

    def grant(self, approval: reading.WaitingApproval) -> int:
        """Sam, who has read it, says yes; the status of the answer."""
        answer = self._doors["sam"].post(
            f"/v1/approvals/{approval.approval_id}/votes",
            json={
                "decision": "grant",
                "args_sha256": approval.args_sha256,
                "reason": "demonstration: evidence and arguments read",
            },
        )
        return answer.status_code

    def settle(self, doubt: reading.CallInDoubt) -> bool:
        """Olga looks into the case store's journal and says what she found; whether the call had happened.

        Where the journal has nothing, the store voids the attempt first: a worker that comes late is declined.
        """
        execution = self._desk.store.void(doubt.call_id, doubt.attempt)
        result, evidence = None, "case store journal: nothing, and the attempt is voided there"
        if execution is not None:
            known = {k: execution.arguments[k] for k in ("case_id", "outcome", "amount_cents")}
            told = {"nonce": str(execution.nonce), "executed_at": execution.executed_at.isoformat()}
            result, evidence = canonical_json({**known, **told}), f"case store journal: {execution.nonce}"
        self._operator.settle(
            doubt.run_id,
            doubt.call_id,
            doubt.attempt,
            happened=execution is not None,
            result=result,
            evidence=evidence,
        ).wait(30)
        return execution is not None

    def mine(self) -> list[reading.RunLine]:
        """The runs of this demonstration, as the views have them."""
        ours = set(self.receipts)
        return [run for run in reading.runs(self._connection, LOCAL_TENANT) if run.run_id in ours]

    def waiting(self) -> list[reading.WaitingApproval]:
        """This demonstration's approvals that wait for a person."""
        ours = set(self.receipts)
        return [a for a in reading.waiting_approvals(self._connection, LOCAL_TENANT) if a.run_id in ours]

    def in_doubt(self) -> list[reading.CallInDoubt]:
        """Calls of which nobody knows whether they happened."""
        return reading.calls_in_doubt(self._connection, LOCAL_TENANT)

    def trail(self, run_id: str) -> tuple[reading.RunLine | None, list[reading.TrailLine]]:
        """One run and its events."""
        return reading.run(self._connection, run_id), reading.trail(self._connection, run_id)

    def doubts_so_far(self) -> list[tuple[str, str]]:
        """(tool, who settled it) of each of this demonstration's calls that was ever in doubt."""
        rows = self._connection.execute(_DOUBTS, [self.receipts]).fetchall()
        return [(str(tool), str(settled_by)) for tool, settled_by in rows]

    def verdict(self) -> witnesses.Verdict:
        """What receipts, journal and log say together."""
        return witnesses.verdict(
            self._connection,
            self.log,
            self.receipts,
            self._executions(),
            clock_skew_ms=CLOCK_SKEW_MS,
            codec=self._codec,
        )

    def close(self) -> None:
        """Let go of connections."""
        for door in self._doors.values():
            door.close()
        self._app_publisher.close()
        self._operator_publisher.close()
        self.log.close()
        self._desk.connections.close()
        self._connection.close()

    def _executions(self) -> Iterator[witnesses.Execution]:
        for call_key, nonce, time_ms in self._connection.execute(_EXECUTIONS):
            yield witnesses.Execution(call_key, nonce, time_ms)
