-- More that many runs can be told at once: pause, continue, retry, migrate. And whether a person asked it or a service.
ALTER TABLE penstock.bulk
    DROP CONSTRAINT bulk_kind_check,
    ADD CONSTRAINT bulk_kind_check CHECK (kind IN ('cancel', 'signal', 'pause', 'continue', 'retry', 'migrate')),
    ADD COLUMN caller_kind text NOT NULL DEFAULT 'person' CHECK (caller_kind IN ('person', 'service'));
-- The run that it speaks to, where that is another one than it is about: the one that does a failed run again.
ALTER TABLE penstock.bulk_run ADD COLUMN tells text COLLATE "C";
