-- Approvals in pages, oldest first. What a rule grants was never asked for: it stands at the time of its grant.
DROP INDEX views.approval_by_tenant;
CREATE INDEX approval_by_tenant
    ON views.approval_row (tenant, (coalesce(requested_at_ms, decided_at_ms, 0)), approval_id);
DROP INDEX views.approval_waiting;
CREATE INDEX approval_waiting
    ON views.approval_row (tenant, (coalesce(requested_at_ms, decided_at_ms, 0)), approval_id)
    WHERE status = 'waiting';
