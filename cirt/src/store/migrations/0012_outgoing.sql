-- Servers of peers that we push to stand beside those that we poll.
CREATE TABLE server (
    key        INTEGER PRIMARY KEY,
    peer_key   INTEGER NOT NULL REFERENCES peer (key),
    kind       TEXT NOT NULL CHECK (kind IN ('taxii', 'misp', 'taxii-push')),
    address    TEXT NOT NULL,
    collection TEXT NOT NULL,
    user       TEXT,
    password   TEXT,
    authority  TEXT,                            -- PEM; NULL: the roots that browsers trust
    polled_ms  INTEGER,
    failure    TEXT,                            -- of the last time
    UNIQUE (kind, address, collection)
) STRICT;
INSERT INTO server SELECT * FROM source;
DROP TABLE source;
ALTER TABLE server RENAME TO source;

-- When a peer took what lies in its own collection, and how.
ALTER TABLE collection_object ADD COLUMN received_ms INTEGER;
ALTER TABLE collection_object ADD COLUMN received_by TEXT;
