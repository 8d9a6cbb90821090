-- Schedules: what is due and which runs are to be started, a snapshot of the fold of penstock.schedule.events (law L6), and
-- the views of schedules and their histories.
CREATE SCHEMA IF NOT EXISTS penstock;

CREATE TABLE penstock.due_schedule (
    schedule_id uuid   PRIMARY KEY,
    partition   int    NOT NULL,
    tenant      text   NOT NULL,
    due_ms      bigint NOT NULL,
    armed_seq   bigint NOT NULL,   -- the event that armed it, which tells one firing from the next
    early       int    NOT NULL    -- how often it was fired before its time
);
CREATE INDEX due_schedule_by_partition ON penstock.due_schedule (partition);

CREATE TABLE penstock.fired_run (
    run_id      uuid  PRIMARY KEY,
    partition   int   NOT NULL,
    schedule_id uuid  NOT NULL,
    tenant      text  NOT NULL,
    fired       bytea NOT NULL     -- the ScheduleFired event as it stands on the log
);
CREATE INDEX fired_run_by_partition ON penstock.fired_run (partition);

CREATE TABLE views.schedule_row (
    schedule_id        text COLLATE "C" PRIMARY KEY,
    tenant             text COLLATE "C" NOT NULL,
    name               text COLLATE "C",    -- null where nothing but refusals is known
    state              text NOT NULL CHECK (state IN ('refused', 'active', 'paused', 'over', 'deleted')),
    revision           integer,
    body_sha256        text,
    workflow           text,
    workflow_version   integer,
    priority           integer,
    search_attributes  text,
    plan_seq           bigint,              -- the event whose plan holds the input
    cron               text,
    time_zone          text,
    every_ms           bigint,
    starts_at_ms       bigint,
    ends_at_ms         bigint,
    catch_up           text,
    catch_up_window_ms bigint,
    catch_up_max       integer,
    next_due_ms        bigint,
    last_due_ms        bigint,
    last_fired_at_ms   bigint,
    last_run_ids       text[] NOT NULL DEFAULT '{}',   -- the latest ten, newest first
    fired              bigint NOT NULL DEFAULT 0,
    missed             bigint NOT NULL DEFAULT 0,      -- at least: long rows of them aren't counted to their end
    last_missed_ms     bigint,
    paused_by          text,
    pause_reason       text,
    paused_at_ms       bigint,
    created_by         text,
    created_at_ms      bigint,
    changed_by         text,
    changed_at_ms      bigint,
    deleted_by         text,
    deleted_at_ms      bigint,
    parked_inputs      text[] NOT NULL DEFAULT '{}',
    last_seq           bigint NOT NULL,
    last_event_at_ms   bigint NOT NULL
);
CREATE INDEX schedule_by_name ON views.schedule_row (tenant, name);

CREATE TABLE views.schedule_event_row (
    schedule_id     text COLLATE "C" NOT NULL,
    seq             bigint NOT NULL,
    event_id        text COLLATE "C" NOT NULL,
    tenant          text COLLATE "C" NOT NULL,
    type            text NOT NULL,
    time_ms         bigint NOT NULL,
    actor           text NOT NULL,
    cause_id        text COLLATE "C" NOT NULL,
    cause_topic     text NOT NULL,
    cause_partition integer NOT NULL,
    cause_offset    bigint NOT NULL,
    cause_time_ms   bigint NOT NULL,
    cause_index     integer NOT NULL,
    cause_count     integer NOT NULL,
    topic           text NOT NULL,
    partition       integer NOT NULL,
    "offset"        bigint NOT NULL,
    log_time_ms     bigint NOT NULL,
    event           text NOT NULL,
    PRIMARY KEY (schedule_id, seq)
);
CREATE INDEX schedule_event_by_cause ON views.schedule_event_row (cause_id);

CREATE VIEW views.schedule WITH (security_invoker = true) AS
SELECT schedule_id, tenant, name, state, revision, body_sha256, workflow, workflow_version,
       (SELECT e.event::json -> 'plan' -> 'input' -> 'content' FROM views.schedule_event_row AS e
        WHERE e.schedule_id = s.schedule_id AND e.seq = s.plan_seq) AS input,
       priority, search_attributes::json AS search_attributes, cron, time_zone, every_ms, starts_at_ms, ends_at_ms,
       catch_up, catch_up_window_ms, catch_up_max, next_due_ms, last_due_ms, last_fired_at_ms, last_run_ids, fired,
       missed, last_missed_ms, paused_by, pause_reason, paused_at_ms, created_by, created_at_ms, changed_by,
       changed_at_ms, deleted_by, deleted_at_ms, parked_inputs, last_seq, last_event_at_ms
FROM views.schedule_row AS s;

CREATE VIEW views.schedule_event WITH (security_invoker = true) AS
SELECT schedule_id, seq, event_id, tenant, type, time_ms, actor::json AS actor, cause_id, cause_topic, cause_partition,
       cause_offset, cause_time_ms, cause_index, cause_count, topic, partition, "offset", log_time_ms,
       event::json AS event
FROM views.schedule_event_row;

GRANT SELECT ON views.schedule_row, views.schedule_event_row, views.schedule, views.schedule_event TO penstock_tenant;
ALTER TABLE views.schedule_row ENABLE ROW LEVEL SECURITY;
ALTER TABLE views.schedule_event_row ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON views.schedule_row FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
CREATE POLICY own ON views.schedule_event_row FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
