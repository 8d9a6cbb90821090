-- What effectors know. Positions, open calls and timers are a snapshot of a fold of the events topics (law L6):
-- they can be made anew from the log. Only worker_lease is operational state, which nobody rebuilds.
CREATE SCHEMA IF NOT EXISTS penstock;

CREATE TABLE penstock.effect_position (
    group_id   text   NOT NULL,
    topic      text   NOT NULL,
    partition  int    NOT NULL,
    position   bigint NOT NULL,   -- the open work below is the fold of all records before this offset
    epoch      bigint NOT NULL,   -- raised by each process that takes the partition; the fence
    seen_epoch bigint NOT NULL,   -- highest decider's epoch among the records before position
    cluster_id text   NOT NULL,
    topic_id   text   NOT NULL,
    PRIMARY KEY (group_id, topic, partition)
) WITH (fillfactor = 50);

CREATE TABLE penstock.open_run (
    run_id    uuid PRIMARY KEY,
    partition int  NOT NULL,
    requester text NOT NULL           -- tools are told on whose behalf they act
);
CREATE INDEX open_run_by_partition ON penstock.open_run (partition);

CREATE TABLE penstock.open_call (
    call_id        uuid    PRIMARY KEY,
    partition      int     NOT NULL,
    run_id         uuid    NOT NULL,
    tenant         text    NOT NULL,
    requester      text    NOT NULL,
    attempt        int     NOT NULL,
    tool           text    NOT NULL,
    tool_version   int     NOT NULL,
    effect         text    NOT NULL,
    not_before_ms  bigint  NOT NULL,
    started_lease  text,              -- the lease named in ToolCallStarted
    started_worker text,
    in_doubt       boolean NOT NULL,
    requested      bytea   NOT NULL   -- the ToolCallRequested event as it stands on the log
);
CREATE INDEX open_call_by_partition ON penstock.open_call (partition);

CREATE TABLE penstock.timer (
    timer_id  uuid   PRIMARY KEY,
    partition int    NOT NULL,
    run_id    uuid   NOT NULL,
    tenant    text   NOT NULL,
    due_ms    bigint NOT NULL,
    firing    int    NOT NULL         -- the firing that is next, from 1; one more after each TimerRearmed
);
CREATE INDEX timer_by_partition ON penstock.timer (partition);

-- A process that begins unsafe calls holds one of these. An expired one is never renewed: its process makes
-- another incarnation, and what it had not begun under the old one it never begins (law L7).
CREATE TABLE penstock.worker_lease (
    incarnation uuid        PRIMARY KEY,
    group_id    text        NOT NULL,
    worker      text        NOT NULL,
    expires_at  timestamptz NOT NULL
);
