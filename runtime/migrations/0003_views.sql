-- The views: everything here is derived from the log by penstock.audit.projector, and can be dropped and made anew
-- (`penstock rebuild-views`). Times are log times in ms since the Unix epoch. Ids compare as bytes.
-- Columns of type json keep the canonical bytes as they were hashed and approved; jsonb is for asking.
CREATE SCHEMA views;

-- One row a run; `status` is what a person is shown, `phase` what the run's own events say of it.
CREATE TABLE views.run (
    run_id            text COLLATE "C" PRIMARY KEY,
    tenant            text COLLATE "C" NOT NULL,
    workflow          text,
    workflow_version  integer,
    status            text NOT NULL CHECK (status IN (
                          'accepted', 'running', 'waiting_approval', 'in_doubt', 'stalled', 'parked',
                          'ending', 'completed', 'failed', 'cancelled', 'refused')),
    phase             text NOT NULL,
    requester         text,
    input             json,
    body_sha256       text,
    code_hash         text,
    started_at_ms     bigint,
    deadline_ms       bigint,
    ended_at_ms       bigint,
    result            json,
    error             json,
    parked_inputs     text[] NOT NULL,
    last_seq          bigint NOT NULL,
    last_event_at_ms  bigint NOT NULL
) WITH (fillfactor = 80);

-- For lists by tenant; the columns never change after the start, so updates stay in their page.
CREATE INDEX run_by_tenant ON views.run (tenant, started_at_ms DESC);

-- One row an event, in the order of the run's own history (law L1).
CREATE TABLE views.run_event (
    run_id           text COLLATE "C" NOT NULL,
    seq              bigint NOT NULL,
    event_id         text COLLATE "C" NOT NULL,
    tenant           text COLLATE "C" NOT NULL,
    type             text NOT NULL,
    time_ms          bigint NOT NULL,
    actor            jsonb NOT NULL,
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
    event            jsonb NOT NULL,
    PRIMARY KEY (run_id, seq)
);

-- One row a call, as its last attempt stands.
CREATE TABLE views.tool_call (
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
    arguments         json,
    args_sha256       text,
    result            json,
    error             json,
    settled_by        text,
    late_answers      integer NOT NULL,
    requested_at_ms   bigint,
    started_at_ms     bigint,
    settled_at_ms     bigint,
    duration_ms       bigint,
    last_seq          bigint NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX tool_call_by_run ON views.tool_call (run_id);
CREATE INDEX tool_call_in_doubt ON views.tool_call (tenant, call_id) WHERE status = 'in_doubt';

-- One row a question, and one a grant that a rule gave without a question.
CREATE TABLE views.approval (
    approval_id       text COLLATE "C" PRIMARY KEY,
    run_id            text COLLATE "C" NOT NULL,
    tenant            text COLLATE "C" NOT NULL,
    step              integer,
    tool              text,
    tool_version      integer,
    arguments         json,
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
    last_seq          bigint NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX approval_by_run ON views.approval (run_id);
CREATE INDEX approval_by_tenant ON views.approval (tenant, status, requested_at_ms);

-- One row a dead letter and group: a record that could not be taken, as it stood.
CREATE TABLE views.dead_letter (
    id                text COLLATE "C" NOT NULL,
    consumer_group    text COLLATE "C" NOT NULL,
    topic             text NOT NULL,
    partition         integer NOT NULL,
    "offset"          bigint NOT NULL,
    error_class       text NOT NULL,
    error_message     text NOT NULL,
    error_stage       text NOT NULL,
    key               bytea,
    value             bytea,
    headers           json NOT NULL,
    time_ms           bigint NOT NULL,
    PRIMARY KEY (id, consumer_group)
);

CREATE INDEX dead_letter_by_time ON views.dead_letter (time_ms DESC);

-- How far the views are, with the highest owner's epoch seen there, and of which log. Moved in the transaction
-- that writes the rows, and only from the position that the writer believes in: two projectors never interleave.
CREATE TABLE views.position (
    topic       text COLLATE "C" NOT NULL,
    partition   integer NOT NULL,
    position    bigint NOT NULL,
    epoch       bigint NOT NULL,
    cluster_id  text NOT NULL,
    topic_id    text NOT NULL,
    PRIMARY KEY (topic, partition)
);
