-- The API's keys (docs/rights.md). Operational state: it isn't rebuilt from the log, so it is backed up; what was done
-- to it stands on the log. Rows stay when a key is revoked, so that a reader who asks for changes misses none.
CREATE SCHEMA IF NOT EXISTS penstock;
CREATE TABLE penstock.api_key (
    key_id              text        PRIMARY KEY,
    sha256              text        NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),  -- of the whole key, lower-case hex
    tenant              text        NOT NULL,
    subject             text        NOT NULL,
    kind                text        NOT NULL CHECK (kind IN ('person', 'service')),
    roles               text[]      NOT NULL,
    scopes              text[],                  -- null: all that the roles give
    requests_per_minute int         CHECK (requests_per_minute > 0),             -- null: the setting's
    created_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by          text        NOT NULL,
    expires_at          timestamptz,
    revoked_at          timestamptz,
    replaced_by         text,                    -- the key that it was rotated to
    last_used_at        timestamptz,             -- written in batches, so up to a minute late
    changed_at          timestamptz NOT NULL DEFAULT clock_timestamp()           -- by all but last_used_at
);
CREATE INDEX api_key_changed ON penstock.api_key (changed_at);
CREATE INDEX api_key_tenant ON penstock.api_key (tenant, created_at);
