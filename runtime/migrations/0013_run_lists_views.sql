-- Runs are listed by tenant, newest first, in pages, and found by workflow, requester, what is open or went wrong, and
-- search attributes. Each way has an index that gives its order, so that a page reads what it shows. Filled from the log.
TRUNCATE views.run_row, views.run_event_row, views.tool_call_row, views.approval_row, views.dead_letter, views.position;

-- created_at_ms is the time of a run's first event: unlike started_at_ms a refused start has one too, and it never
-- changes. Search attributes are JSON text, null where there are none.
ALTER TABLE views.run_row ADD COLUMN created_at_ms bigint NOT NULL, ADD COLUMN search_attributes text;

DROP INDEX views.run_by_tenant;
CREATE INDEX run_newest ON views.run_row (tenant, created_at_ms DESC, run_id DESC);
CREATE INDEX run_of_workflow ON views.run_row (tenant, workflow, created_at_ms DESC, run_id DESC);
CREATE INDEX run_of_requester ON views.run_row (tenant, requester, created_at_ms DESC, run_id DESC);
CREATE INDEX run_gone_wrong ON views.run_row (tenant, created_at_ms DESC, run_id DESC)
    WHERE phase IN ('failed', 'cancelled', 'refused');
CREATE INDEX run_open_newest ON views.run_row (tenant, created_at_ms DESC, run_id DESC)
    WHERE phase IN ('accepted', 'running', 'stalled', 'ending');
-- Also which open runs hold a version.
DROP INDEX views.run_open;
CREATE INDEX run_open ON views.run_row (tenant, workflow, workflow_version, created_at_ms DESC, run_id DESC)
    WHERE phase IN ('accepted', 'running', 'stalled', 'ending');

-- One row an attribute, `name=value` with the value as JSON; written once, when the run starts.
CREATE TABLE views.run_attribute (
    tenant         text COLLATE "C" NOT NULL,
    pair           text COLLATE "C" NOT NULL,
    created_at_ms  bigint NOT NULL,
    run_id         text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, pair, created_at_ms, run_id)
);

CREATE OR REPLACE VIEW views.run AS
SELECT run_id, tenant, workflow, workflow_version, status, phase, requester,
       (SELECT e.event::json -> 'input' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = r.run_id AND e.seq = r.started_seq) AS input,
       body_sha256, code_hash, started_at_ms, deadline_ms, ended_at_ms,
       (SELECT e.event::json -> 'result' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = r.run_id AND e.seq = r.result_seq) AS result,
       error::json AS error, parked_inputs, last_seq, last_event_at_ms, priority, created_at_ms,
       search_attributes::json AS search_attributes
FROM views.run_row AS r;

-- What an operator asked of many runs at once. Operational, not derived: how far it is and who drives it. What was asked,
-- and by whom, stands on the log (penstock.operator.actions), as does what each run was told.
CREATE SCHEMA IF NOT EXISTS penstock;
CREATE TABLE penstock.bulk (
    bulk_id        text COLLATE "C" PRIMARY KEY,
    tenant         text COLLATE "C" NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('cancel', 'signal')),
    words          text NOT NULL,          -- what each run is told, as JSON
    chosen         text NOT NULL,          -- which runs, as JSON
    subject        text NOT NULL,
    roles          text[] NOT NULL,
    status         text NOT NULL CHECK (status IN ('running', 'stopped', 'done')),
    asked_at_ms    bigint NOT NULL,
    ended_at_ms    bigint,
    stopped_by     text,
    place_ms       bigint,                 -- where it goes on, in the order of the list
    place_id       text COLLATE "C",
    runs           bigint NOT NULL DEFAULT 0,
    driver         text,
    lease_until    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bulk_running ON penstock.bulk (lease_until) WHERE status = 'running';

-- One row a run that it came to. It is written before the run is told, so that nothing is done that isn't shown.
CREATE TABLE penstock.bulk_run (
    bulk_id   text COLLATE "C" NOT NULL,
    n         bigint NOT NULL,
    run_id    text COLLATE "C" NOT NULL,
    input_id  text COLLATE "C" NOT NULL,
    state     text NOT NULL CHECK (state IN ('saying', 'said', 'not_said')),
    error     text,
    PRIMARY KEY (bulk_id, n)
);
CREATE INDEX bulk_run_saying ON penstock.bulk_run (bulk_id, n) WHERE state = 'saying';
