-- Sealed batches that a sensor removed because they waited too long, and the chain from batch to batch.

ALTER TABLE eviction ADD COLUMN findings INTEGER NOT NULL DEFAULT 0;   -- findings among what was dropped
ALTER TABLE eviction ADD COLUMN withdrawn_batch INTEGER;               -- number of the sealed batch that they were in
ALTER TABLE eviction ADD COLUMN withdrawn_digest BLOB;                 -- SHA-256 of its envelope
ALTER TABLE batch ADD COLUMN previous BLOB;                            -- digest that it names, once it is loaded
