-- Who has paused a run, why, and what each run waits for; with whom a question is; which run is which one again. Filled
-- from the log, like all the rest.
TRUNCATE views.run_row, views.run_event_row, views.tool_call_row, views.approval_row, views.run_attribute, views.dead_letter,
    views.position;
ALTER TABLE views.run_row
    ADD COLUMN paused_by text,
    ADD COLUMN pause_reason text,
    ADD COLUMN paused_at_ms bigint,
    ADD COLUMN sleeping text[] NOT NULL DEFAULT '{}',   -- timers that its workflow sleeps by
    ADD COLUMN retry_of text,
    ADD COLUMN requesters_before text[] NOT NULL DEFAULT '{}',
    DROP CONSTRAINT run_row_status_check,
    ADD CONSTRAINT run_row_status_check CHECK (status IN (
        'accepted', 'running', 'waiting_approval', 'in_doubt', 'stalled', 'parked', 'paused',
        'ending', 'completed', 'failed', 'cancelled', 'refused'));
ALTER TABLE views.tool_call_row
    DROP CONSTRAINT tool_call_row_status_check,
    ADD CONSTRAINT tool_call_row_status_check CHECK (status IN (
        'requested', 'started', 'completed', 'failed', 'refused', 'in_doubt', 'held', 'abandoned'));

-- What is open of a run, as words for people: `approval ID`, `call ID`, `timer ID`. Asked for, it costs two look-ups
-- through an index; whoever doesn't select it pays nothing.
CREATE OR REPLACE VIEW views.run AS
SELECT run_id, tenant, workflow, workflow_version, status, phase, requester,
       (SELECT e.event::json -> 'input' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = r.run_id AND e.seq = r.started_seq) AS input,
       body_sha256, code_hash, started_at_ms, deadline_ms, ended_at_ms,
       (SELECT e.event::json -> 'result' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = r.run_id AND e.seq = r.result_seq) AS result,
       error::json AS error, parked_inputs, last_seq, last_event_at_ms, priority, created_at_ms,
       search_attributes::json AS search_attributes, paused_by, pause_reason, paused_at_ms,
       CASE WHEN phase IN ('completed', 'failed', 'cancelled') THEN '{}' ELSE
           ARRAY(SELECT 'approval ' || a.approval_id FROM views.approval_row AS a
                 WHERE a.run_id = r.run_id AND a.status = 'waiting' ORDER BY a.approval_id)
           || ARRAY(SELECT 'call ' || c.call_id FROM views.tool_call_row AS c
                    WHERE c.run_id = r.run_id AND c.status IN ('requested', 'started', 'held', 'in_doubt')
                    ORDER BY c.call_id)
           || ARRAY(SELECT 'timer ' || t FROM unnest(r.sleeping) AS t)
       END AS waits_for,
       retry_of, requesters_before
FROM views.run_row AS r;

ALTER TABLE views.approval_row
    ADD COLUMN delegate text,                               -- who has it now, without the role
    ADD COLUMN delegated_by text[] NOT NULL DEFAULT '{}',   -- who handed it on, the latest last
    ADD COLUMN escalate_to text,
    ADD COLUMN escalate_at_ms bigint,
    ADD COLUMN escalated_by text,
    ADD COLUMN escalated_at_ms bigint;

CREATE OR REPLACE VIEW views.approval AS
SELECT approval_id, run_id, tenant, step, tool, tool_version,
       (SELECT e.event::json -> 'arguments' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = a.run_id AND e.seq = a.requested_seq) AS arguments,
       args_sha256, role, quorum, status, requester, decided_by, rule, rule_version, reason, grant_id, spent_by,
       requested_at_ms, decided_at_ms, expires_at_ms, last_seq, voters, delegate, delegated_by, escalate_to,
       escalate_at_ms, escalated_by, escalated_at_ms
FROM views.approval_row AS a;
