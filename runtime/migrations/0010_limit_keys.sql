-- Limits by key and by tenant that hold across processes, and shares that come back when their process has ended
-- (docs/limits.md). Operational state, like the rest of the limits.
ALTER TABLE penstock.limit_share
    ADD COLUMN process    text NOT NULL DEFAULT '',   -- a passport, by which others on its machine see that it has ended
    ADD COLUMN renewed_at timestamptz;                -- who hasn't renewed for a while wants nothing more; null: unknown

-- What a process has of one key or one tenant. A row counts while the process's lease lasts: its row for the tool's
-- concurrency in limit_share. So a row is written when a key is taken and when it is given back, and never renewed.
CREATE TABLE penstock.limit_key (
    limit_name text        NOT NULL,   -- '<tool>/key' or '<tool>/tenant'
    tenant     text        NOT NULL,
    key        text        NOT NULL,   -- empty for a tenant; the hash of what is long or can't be written
    holder     uuid        NOT NULL,   -- as in limit_share
    slots      int         NOT NULL,   -- its calls at once with this key; 0: it waits for one
    wanted     int         NOT NULL,
    since      timestamptz NOT NULL,   -- when its slots last changed: the longest wait goes first
    PRIMARY KEY (limit_name, tenant, key, holder)
) WITH (fillfactor = 50);
