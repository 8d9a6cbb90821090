-- What operators did, as the log says it (penstock.operator.actions): a row an action, for good, written once. Only what
-- a door's key signed is here; anything else on that topic is a dead letter of the views.
CREATE TABLE views.operator_action (
    action_id     text COLLATE "C" PRIMARY KEY,
    tenant        text COLLATE "C" NOT NULL,
    action        text COLLATE "C" NOT NULL,
    target        text COLLATE "C" NOT NULL,
    reason        text NOT NULL,
    detail        json NOT NULL,
    subject       text COLLATE "C" NOT NULL,
    actor         json NOT NULL,
    said_by       text NOT NULL,    -- whose key: api or operator (the command line)
    time_ms       bigint NOT NULL,  -- log time
    partition     integer NOT NULL,
    "offset"      bigint NOT NULL
);

-- All of a tenant's stand on one partition: their order is that of their offsets.
CREATE INDEX operator_action_by_tenant ON views.operator_action (tenant, "offset" DESC);
CREATE INDEX operator_action_by_time ON views.operator_action (time_ms DESC);
-- What was done with a thing is looked up by the thing.
CREATE INDEX operator_action_by_target ON views.operator_action (target);
