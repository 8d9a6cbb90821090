-- The deciders' journal: fence, outbox and dedupe table in one (law L3). Derived from the log, which is the truth.
CREATE SCHEMA IF NOT EXISTS penstock;

CREATE TABLE penstock.checkpoint (
    noun               text   NOT NULL,
    partition          int    NOT NULL,
    epoch              bigint NOT NULL,   -- raised by each owner; the fence
    owner              text   NOT NULL,
    position           bigint NOT NULL,   -- inbox offset of the next input to decide
    published_position bigint NOT NULL,   -- rows committed up to this position are on the log
    events_position    bigint NOT NULL,   -- events before this offset are in the journal
    events_epoch       bigint NOT NULL,   -- highest epoch among the events before events_position
    failed_in_a_row    int    NOT NULL DEFAULT 0,  -- distinct entities parked one after the other (law L5)
    cluster_id         text   NOT NULL,
    inbox_topic_id     text   NOT NULL,
    events_topic_id    text   NOT NULL,
    PRIMARY KEY (noun, partition)
) WITH (fillfactor = 50);

CREATE TABLE penstock.journal (
    entity_id    uuid   NOT NULL,
    seq          bigint NOT NULL,
    noun         text   NOT NULL,
    partition    int    NOT NULL,
    position     bigint NOT NULL,   -- checkpoint position of the batch that committed the row
    cause_offset bigint NOT NULL,
    cause_id     uuid   NOT NULL,
    cause_index  int    NOT NULL,
    value        bytea  NOT NULL,   -- the event's bytes as they stand on the log
    mark         text,              -- the event's type, where entities are to be found by it
    PRIMARY KEY (entity_id, seq),
    UNIQUE (entity_id, cause_id, cause_index)
);
CREATE INDEX journal_by_mark ON penstock.journal (noun, partition, entity_id, seq) WHERE mark IS NOT NULL;
CREATE INDEX journal_by_position ON penstock.journal (noun, partition, position);
