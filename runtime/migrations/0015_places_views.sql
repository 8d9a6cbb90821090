-- Streams of all of a tenant's events go by the log's places (docs/streams.md): this is how they are found from a place on.
CREATE INDEX run_event_by_place ON views.run_event_row (partition, "offset");

-- Where the log began when the views did: a place before it can't be resumed from.
ALTER TABLE views.position ADD COLUMN first bigint NOT NULL DEFAULT 0;
