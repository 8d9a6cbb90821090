-- Which process holds a lease, so that others on its machine can see that it has ended before the lease does.
ALTER TABLE penstock.worker_lease ADD COLUMN process text NOT NULL DEFAULT '';
