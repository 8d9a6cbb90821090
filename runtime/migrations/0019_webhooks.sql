-- Notification by webhook (docs/webhooks.md). Who subscribed is configuration, as API keys are: no log gives it back, so it is
-- backed up. What is to be posted, and what came of it, is operational state.
CREATE SCHEMA IF NOT EXISTS penstock;
CREATE TABLE penstock.webhook (
    webhook_id          text        PRIMARY KEY,
    tenant              text        NOT NULL,
    url                 text        NOT NULL,
    kinds               text[]      NOT NULL,
    description         text        NOT NULL,
    secret              bytea       NOT NULL,           -- sealed (runtime/webhook_secrets.py), for the sender needs it itself
    secret_before       bytea,                          -- the one before a rotation; signs too, until:
    secret_before_until timestamptz,
    version             int         NOT NULL DEFAULT 1, -- one more with each change of what is above; the ETag
    since_ms            bigint      NOT NULL,           -- events of that log time or later
    created_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by          text        NOT NULL,
    disabled_at         timestamptz,
    disabled_reason     text,
    failing_since       timestamptz,                    -- nothing was delivered since then, and something failed
    failed_at           timestamptz,                    -- the last failure
    failures            int         NOT NULL DEFAULT 0, -- in a row, of a receiver that seems to be away
    held_until          timestamptz                     -- so nothing is posted until then
);
CREATE INDEX webhook_tenant ON penstock.webhook (tenant, created_at);

CREATE TABLE penstock.webhook_delivery (
    webhook_id    text        NOT NULL REFERENCES penstock.webhook ON DELETE CASCADE,
    event_id      text        NOT NULL,                 -- what the receiver drops repeats by
    tenant        text        NOT NULL,
    kind          text        NOT NULL,
    body          text        NOT NULL,                 -- what is posted, byte for byte
    time_ms       bigint      NOT NULL,                 -- the event's log time
    status        text        NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'failed')),
    attempts      int         NOT NULL DEFAULT 0,       -- also the fence: who posts the n-th records the n-th only
    next_at       timestamptz NOT NULL DEFAULT clock_timestamp(),  -- while it is being posted, when the lease ends
    filed_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at       timestamptz,
    last_status   int,
    last_error    text,
    ended_at      timestamptz,
    PRIMARY KEY (webhook_id, event_id)
);
CREATE INDEX webhook_delivery_due ON penstock.webhook_delivery (webhook_id, next_at) WHERE status = 'waiting';
CREATE INDEX webhook_delivery_ended ON penstock.webhook_delivery (ended_at) WHERE status <> 'waiting';
CREATE INDEX webhook_delivery_listed ON penstock.webhook_delivery (webhook_id, filed_at DESC, event_id);

-- What an event of a run doesn't say itself. A snapshot of a fold of the events, as penstock.open_run is.
CREATE TABLE penstock.noticed_run (
    run_id           uuid   PRIMARY KEY,
    partition        int    NOT NULL,
    workflow         text   NOT NULL,
    workflow_version int    NOT NULL,
    questions        jsonb  NOT NULL   -- [[approval, role, expires_at_ms], …], those that are open
);
CREATE INDEX noticed_run_by_partition ON penstock.noticed_run (partition);

-- As migration 0016 has it for the views; the secrets no tenant's question may see.
GRANT USAGE ON SCHEMA penstock TO penstock_tenant;
GRANT SELECT (webhook_id, tenant, url, kinds, description, secret_before_until, version, since_ms, created_at, created_by,
    disabled_at, disabled_reason, failing_since, failed_at, failures, held_until) ON penstock.webhook TO penstock_tenant;
GRANT SELECT ON penstock.webhook_delivery TO penstock_tenant;
ALTER TABLE penstock.webhook ENABLE ROW LEVEL SECURITY;
ALTER TABLE penstock.webhook_delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON penstock.webhook FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
CREATE POLICY own ON penstock.webhook_delivery FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
