-- The inbox: every acknowledged batch, byte for byte. The source of truth for all that is derived.

CREATE TABLE batch (
    key         INTEGER PRIMARY KEY,
    sensor_key  INTEGER NOT NULL REFERENCES sensor (key),
    epoch       INTEGER NOT NULL,               -- the 64 bits of a random number
    number      INTEGER NOT NULL,
    digest      BLOB NOT NULL,                  -- SHA-256 of the envelope
    envelope    BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    repeats     INTEGER NOT NULL DEFAULT 0,     -- how often the same bytes came again
    state       TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'loaded', 'unreadable')),
    reason      TEXT,                           -- why it is unreadable
    UNIQUE (sensor_key, epoch, number)
) STRICT;
CREATE INDEX batch_waiting ON batch (key) WHERE state = 'waiting';

-- Other bytes under the identity of a stored batch: a cloned or tampered sensor. Kept, never counted.
CREATE TABLE quarantine (
    key         INTEGER PRIMARY KEY,
    sensor_key  INTEGER NOT NULL REFERENCES sensor (key),
    epoch       INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    digest      BLOB NOT NULL,
    envelope    BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    UNIQUE (sensor_key, epoch, number, digest)
) STRICT;

-- What a person must look at.
CREATE TABLE alarm (
    key        INTEGER PRIMARY KEY,
    at_ms      INTEGER NOT NULL,
    sensor_key INTEGER REFERENCES sensor (key),
    kind       TEXT NOT NULL,
    detail     TEXT NOT NULL
) STRICT;
