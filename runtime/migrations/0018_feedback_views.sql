-- What people think of runs: one row for each FeedbackGiven, written once. Histories from before have none.
CREATE TABLE views.feedback (
    feedback_id        text COLLATE "C" PRIMARY KEY,   -- the event's id
    run_id             text COLLATE "C" NOT NULL,
    tenant             text COLLATE "C" NOT NULL,
    seq                bigint NOT NULL,
    call_id            text COLLATE "C",               -- what it is about, if not the run
    about_seq          integer,
    score_thousandths  integer,
    label              text,
    tags               text[] NOT NULL,
    comment            json,
    given_by           text NOT NULL,
    actor              json NOT NULL,
    given_at_ms        bigint NOT NULL
);

CREATE INDEX feedback_newest ON views.feedback (tenant, given_at_ms DESC, feedback_id DESC);
CREATE INDEX feedback_by_run ON views.feedback (run_id);

GRANT SELECT ON views.feedback TO penstock_tenant;
ALTER TABLE views.feedback ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON views.feedback FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
