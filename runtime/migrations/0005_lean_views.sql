-- The views write each payload once, in the row of the event that carried it. The other rows name that event's seq, and
-- what people ask (run, tool_call, approval, run_event, under their old names and with their old columns) are SQL
-- views over tables named *_row. The tables are made anew: the projector fills them from the log when it starts.
-- A projector of an earlier version can't write them: stop `penstock worker views` before this is applied.
DROP TABLE views.run, views.run_event, views.tool_call, views.approval;
TRUNCATE views.position, views.dead_letter;

-- A turn of the projector writes a row once, and most are written in two or three turns. No index has a column that
-- changes then, and pages have room: updates stay in their page. JSON is text here, checked by who wrote it.
CREATE TABLE views.run_row (
    run_id            text COLLATE "C" PRIMARY KEY,
    tenant            text COLLATE "C" NOT NULL,
    workflow          text,
    workflow_version  integer,
    status            text NOT NULL CHECK (status IN (
                          'accepted', 'running', 'waiting_approval', 'in_doubt', 'stalled', 'parked',
                          'ending', 'completed', 'failed', 'cancelled', 'refused')),
    phase             text NOT NULL,
    requester         text,
    body_sha256       text,
    code_hash         text,
    started_at_ms     bigint,
    deadline_ms       bigint,
    ended_at_ms       bigint,
    error             text,
    parked_inputs     text[] NOT NULL,
    last_seq          bigint NOT NULL,
    last_event_at_ms  bigint NOT NULL,
    started_seq       bigint,   -- the event that has the input
    result_seq        bigint    -- the event that has the result
) WITH (fillfactor = 70);

CREATE INDEX run_by_tenant ON views.run_row (tenant, started_at_ms DESC);
CREATE INDEX run_open ON views.run_row (tenant, workflow)
    WHERE phase IN ('accepted', 'running', 'stalled', 'ending');
CREATE INDEX run_parked ON views.run_row (tenant, workflow) WHERE parked_inputs <> '{}';

-- A row of up to a page stands as it is: compressing it costs more than writing it.
CREATE TABLE views.run_event_row (
    run_id           text COLLATE "C" NOT NULL,
    seq              bigint NOT NULL,
    event_id         text COLLATE "C" NOT NULL,
    tenant           text COLLATE "C" NOT NULL,
    type             text NOT NULL,
    time_ms          bigint NOT NULL,
    actor            text NOT NULL,
    cause_id         text COLLATE "C" NOT NULL,
    cause_topic      text NOT NULL,
    cause_partition  integer NOT NULL,
    cause_offset     bigint NOT NULL,
    cause_time_ms    bigint NOT NULL,
    cause_index      integer NOT NULL,
    cause_count      integer NOT NULL,
    topic            text NOT NULL,
    partition        integer NOT NULL,
    "offset"         bigint NOT NULL,
    log_time_ms      bigint NOT NULL,
    event            text NOT NULL,
    PRIMARY KEY (run_id, seq)
) WITH (toast_tuple_target = 8160);

CREATE TABLE views.tool_call_row (
    call_id           text COLLATE "C" PRIMARY KEY,
    run_id            text COLLATE "C" NOT NULL,
    tenant            text COLLATE "C" NOT NULL,
    step              integer,
    tool              text,
    tool_version      integer,
    effect            text,
    attempt           integer,
    status            text NOT NULL CHECK (status IN (
                          'requested', 'started', 'completed', 'failed', 'refused', 'in_doubt', 'abandoned')),
    lease_id          text,
    worker            text,
    grant_id          text,
    args_sha256       text,
    error             text,
    settled_by        text,
    late_answers      integer NOT NULL,
    requested_at_ms   bigint,
    started_at_ms     bigint,
    settled_at_ms     bigint,
    duration_ms       bigint,
    last_seq          bigint NOT NULL,
    requested_seq     bigint,   -- the event that has the arguments
    result_seq        bigint,   -- the event that has the result
    -- A column of its own, so that an index of it leaves other changes of the status alone.
    in_doubt          boolean GENERATED ALWAYS AS (status = 'in_doubt') STORED
) WITH (fillfactor = 70);

CREATE INDEX tool_call_by_run ON views.tool_call_row (run_id);
CREATE INDEX tool_call_in_doubt ON views.tool_call_row (tenant, call_id) WHERE in_doubt;
CREATE INDEX tool_call_retried ON views.tool_call_row (tenant, tool) INCLUDE (attempt) WHERE attempt > 1;

CREATE TABLE views.approval_row (
    approval_id       text COLLATE "C" PRIMARY KEY,
    run_id            text COLLATE "C" NOT NULL,
    tenant            text COLLATE "C" NOT NULL,
    step              integer,
    tool              text,
    tool_version      integer,
    args_sha256       text,
    role              text,
    quorum            integer,
    status            text NOT NULL CHECK (status IN ('waiting', 'granted', 'refused', 'expired', 'closed')),
    requester         text,
    decided_by        text[] NOT NULL,
    rule              text,
    rule_version      integer,
    reason            text,
    grant_id          text,
    spent_by          text,
    requested_at_ms   bigint,
    decided_at_ms     bigint,
    expires_at_ms     bigint,
    last_seq          bigint NOT NULL,
    requested_seq     bigint    -- the event that has the arguments
) WITH (fillfactor = 70);

CREATE INDEX approval_by_run ON views.approval_row (run_id);
CREATE INDEX approval_by_tenant ON views.approval_row (tenant, requested_at_ms);
CREATE INDEX approval_waiting ON views.approval_row (tenant, requested_at_ms) WHERE status = 'waiting';

-- Columns of type json have the bytes as they were hashed and approved.
CREATE VIEW views.run_event AS
SELECT run_id, seq, event_id, tenant, type, time_ms, actor::json AS actor, cause_id, cause_topic, cause_partition,
       cause_offset, cause_time_ms, cause_index, cause_count, topic, partition, "offset", log_time_ms,
       event::json AS event
FROM views.run_event_row;

CREATE VIEW views.run AS
SELECT run_id, tenant, workflow, workflow_version, status, phase, requester,
       (SELECT e.event::json -> 'input' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = r.run_id AND e.seq = r.started_seq) AS input,
       body_sha256, code_hash, started_at_ms, deadline_ms, ended_at_ms,
       (SELECT e.event::json -> 'result' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = r.run_id AND e.seq = r.result_seq) AS result,
       error::json AS error, parked_inputs, last_seq, last_event_at_ms
FROM views.run_row AS r;

CREATE VIEW views.tool_call AS
SELECT call_id, run_id, tenant, step, tool, tool_version, effect, attempt, status, lease_id, worker, grant_id,
       (SELECT e.event::json -> 'arguments' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = c.run_id AND e.seq = c.requested_seq) AS arguments,
       args_sha256,
       (SELECT e.event::json -> 'result' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = c.run_id AND e.seq = c.result_seq) AS result,
       error::json AS error, settled_by, late_answers, requested_at_ms, started_at_ms, settled_at_ms, duration_ms,
       last_seq
FROM views.tool_call_row AS c;

CREATE VIEW views.approval AS
SELECT approval_id, run_id, tenant, step, tool, tool_version,
       (SELECT e.event::json -> 'arguments' -> 'content' FROM views.run_event_row AS e
        WHERE e.run_id = a.run_id AND e.seq = a.requested_seq) AS arguments,
       args_sha256, role, quorum, status, requester, decided_by, rule, rule_version, reason, grant_id, spent_by,
       requested_at_ms, decided_at_ms, expires_at_ms, last_seq
FROM views.approval_row AS a;
