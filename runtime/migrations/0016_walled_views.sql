-- The second wall between tenants (requirement B2): the API asks each tenant's question as a role that sees only that
-- tenant's rows, so that a query which forgets to name the tenant answers nothing. The owner of the tables, who
-- writes and rebuilds them, sees all. Roles belong to the whole server: where this user may not make one, its
-- administrator does first: CREATE ROLE penstock_tenant NOLOGIN; GRANT penstock_tenant TO <this user>.
DO $$
BEGIN
    CREATE ROLE penstock_tenant NOLOGIN;
EXCEPTION
    -- Another database of this server has it already, or gets it this moment.
    WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    EXECUTE format('GRANT penstock_tenant TO %I', current_user);
EXCEPTION
    -- Whoever made the role has granted it, or the API will say that it may not take it.
    WHEN insufficient_privilege THEN NULL;
END $$;

GRANT USAGE ON SCHEMA views TO penstock_tenant;
GRANT SELECT ON views.run_row, views.run_event_row, views.tool_call_row, views.approval_row, views.run_attribute,
    views.dead_letter, views.operator_action, views.run, views.run_event, views.tool_call, views.approval,
    views.dead_letter_standing TO penstock_tenant;
-- How far the views are is nobody's secret.
GRANT SELECT ON views.position TO penstock_tenant;

ALTER TABLE views.run_row ENABLE ROW LEVEL SECURITY;
ALTER TABLE views.run_event_row ENABLE ROW LEVEL SECURITY;
ALTER TABLE views.tool_call_row ENABLE ROW LEVEL SECURITY;
ALTER TABLE views.approval_row ENABLE ROW LEVEL SECURITY;
ALTER TABLE views.run_attribute ENABLE ROW LEVEL SECURITY;
ALTER TABLE views.dead_letter ENABLE ROW LEVEL SECURITY;
ALTER TABLE views.operator_action ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON views.run_row FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
CREATE POLICY own ON views.run_event_row FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
CREATE POLICY own ON views.tool_call_row FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
CREATE POLICY own ON views.approval_row FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
CREATE POLICY own ON views.run_attribute FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
CREATE POLICY own ON views.dead_letter FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));
CREATE POLICY own ON views.operator_action FOR SELECT TO penstock_tenant
    USING (tenant = current_setting('penstock.tenant', true));

-- Else they would look with their owner's eyes.
ALTER VIEW views.run SET (security_invoker = true);
ALTER VIEW views.run_event SET (security_invoker = true);
ALTER VIEW views.tool_call SET (security_invoker = true);
ALTER VIEW views.approval SET (security_invoker = true);
