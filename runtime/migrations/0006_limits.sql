-- Limits that hold across processes (docs/limits.md). Operational state: nobody rebuilds it, an empty table is right
-- once every lease that was given before has run out.
CREATE TABLE penstock.limit_share (
    limit_name text        NOT NULL,   -- '<tool>/concurrency' or '<tool>/rate'
    holder     uuid        NOT NULL,   -- a process, in one of its lives
    slots      int         NOT NULL,   -- its part; over all rows that haven't expired never more than the limit
    wanted     int         NOT NULL,   -- what it could use
    since      timestamptz NOT NULL,   -- the last time it had as much as it could use: the longest wait goes first
    expires_at timestamptz NOT NULL,   -- until then its part is its own, whatever becomes of the process
    PRIMARY KEY (limit_name, holder)
) WITH (fillfactor = 50);
