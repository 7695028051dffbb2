-- What TAXII serves and what peers pushed. `added_us` is the server's time in microseconds, given under the write lock and strictly
-- increasing over all collections: a page ends at one and the next begins behind it, whatever is added meanwhile.

CREATE TABLE collection_object (
    added_us     INTEGER PRIMARY KEY,
    collection   TEXT NOT NULL,
    id           TEXT NOT NULL,
    version_us   INTEGER NOT NULL,              -- its `modified`, else its `created`, else when it was added
    type         TEXT NOT NULL,
    spec_version TEXT NOT NULL,
    tlp          INTEGER NOT NULL CHECK (tlp BETWEEN 0 AND 4),
    kind         TEXT NOT NULL,
    countries    TEXT NOT NULL,                 -- joined by commas
    about        TEXT,                          -- the finding it comes from
    body         TEXT NOT NULL,                 -- JSON
    UNIQUE (collection, id, version_us)
) STRICT;
CREATE INDEX collection_object_by_place ON collection_object (collection, added_us);
CREATE INDEX collection_object_by_finding ON collection_object (about) WHERE about IS NOT NULL;

-- What became of a push.
CREATE TABLE taxii_status (
    id    TEXT PRIMARY KEY,
    peer  TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    body  TEXT NOT NULL                         -- JSON
) STRICT, WITHOUT ROWID;

-- How far something that reads on and on has come.
CREATE TABLE exchange_cursor (
    name     TEXT PRIMARY KEY,
    position TEXT NOT NULL,
    at_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
