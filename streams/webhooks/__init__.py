"""Posts to webhooks what people wait for: questions, ends of runs, calls in doubt.

Reads: penstock.run.events. Writes: nothing on the log but dead letters of what it reads; penstock.webhook_delivery.
Key: the run id. State: what events don't say themselves, a fold of the events, kept in penstock.noticed_run.
Guarantees: an event of a subscription's kinds is filed with the position, and posted at least once or shown as failed.
"""
