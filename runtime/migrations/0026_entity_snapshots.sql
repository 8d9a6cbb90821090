-- States of entities that live for years, so that taking one over reads what came after (ADR 20). Each can be dropped.
CREATE TABLE penstock.entity_snapshot (
    entity_id    uuid   PRIMARY KEY,
    noun         text   NOT NULL,
    partition    int    NOT NULL,
    seq          bigint NOT NULL,   -- of the last event that it holds
    time_ms      bigint NOT NULL,   -- of that event
    tenant       text   NOT NULL,
    replacements text[] NOT NULL,   -- inputs that were decided in the place of parked ones
    fold_version int    NOT NULL,   -- of the code that folded it; other code doesn't go on from it
    state        bytea  NOT NULL
);
