-- What audit/measures.py counts must not cost more with every run that ever ended: indexes of what is open. None has
-- a column that changes in ordinary updates, except at a run's end and an approval's decision: those stay in their page.
CREATE INDEX run_open ON views.run (tenant, workflow) WHERE phase IN ('accepted', 'running', 'stalled', 'ending');
CREATE INDEX run_parked ON views.run (tenant, workflow) WHERE parked_inputs <> '{}';
CREATE INDEX approval_waiting ON views.approval (tenant, requested_at_ms) WHERE status = 'waiting';
CREATE INDEX tool_call_retried ON views.tool_call (tenant, tool) INCLUDE (attempt) WHERE attempt > 1;
CREATE INDEX dead_letter_by_reason ON views.dead_letter (topic, consumer_group, error_class);
