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

-- Whose a dead letter is: the tenant that its signature proves, else the one that operates the deployment. Those that are
-- here already are the deployment's until the views are made anew. A projector of an earlier version can't write this:
-- stop `penstock worker views` before this is applied.
ALTER TABLE views.dead_letter ADD COLUMN tenant text COLLATE "C" NOT NULL DEFAULT 'local';
DROP INDEX views.dead_letter_by_time;
CREATE INDEX dead_letter_by_tenant ON views.dead_letter (tenant, time_ms DESC, id DESC, consumer_group DESC);

-- How a dead letter stands follows from what operators said of it last; nobody updates it.
CREATE VIEW views.dead_letter_standing WITH (security_invoker = true) AS
SELECT d.*,
       CASE a.action WHEN 'dead-letter.redrive' THEN 'redriving' WHEN 'dead-letter.put-back' THEN 'redriven'
                     WHEN 'dead-letter.discard' THEN 'discarded' ELSE 'open' END AS state
FROM views.dead_letter AS d
LEFT JOIN LATERAL (
    SELECT o.action FROM views.operator_action AS o
    WHERE o.target = d.id AND o.tenant = d.tenant
      AND o.action IN ('dead-letter.redrive', 'dead-letter.put-back', 'dead-letter.discard')
    ORDER BY o."offset" DESC LIMIT 1) AS a ON true;
