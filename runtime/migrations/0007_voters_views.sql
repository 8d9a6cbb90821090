-- Who has granted a question that needs more votes, and which runs go first. Filled from the log, like all the rest.
TRUNCATE views.run_row, views.run_event_row, views.tool_call_row, views.approval_row, views.dead_letter, views.position;
ALTER TABLE views.approval_row ADD COLUMN voters text[] NOT NULL;
ALTER TABLE views.run_row ADD COLUMN priority integer;

CREATE OR REPLACE VIEW views.run AS
SELECT run_id, tenant, workflow, workflow_version, status, phase, requester,
       (SELECT e.event::json -> 'input' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = r.run_id AND e.seq = r.started_seq) AS input,
       body_sha256, code_hash, started_at_ms, deadline_ms, ended_at_ms,
       (SELECT e.event::json -> 'result' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = r.run_id AND e.seq = r.result_seq) AS result,
       error::json AS error, parked_inputs, last_seq, last_event_at_ms, priority
FROM views.run_row AS r;

CREATE OR REPLACE VIEW views.approval AS
SELECT approval_id, run_id, tenant, step, tool, tool_version,
       (SELECT e.event::json -> 'arguments' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = a.run_id AND e.seq = a.requested_seq) AS arguments,
       args_sha256, role, quorum, status, requester, decided_by, rule, rule_version, reason, grant_id, spent_by,
       requested_at_ms, decided_at_ms, expires_at_ms, last_seq, voters
FROM views.approval_row AS a;
