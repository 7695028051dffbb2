-- Servers of peers that are polled. A password must be sent to be of use, so it stands here in clear: the file is readable by the
-- centre's user only.
CREATE TABLE source (
    key        INTEGER PRIMARY KEY,
    peer_key   INTEGER NOT NULL REFERENCES peer (key),
    kind       TEXT NOT NULL CHECK (kind IN ('taxii', 'misp')),
    address    TEXT NOT NULL,
    collection TEXT NOT NULL,
    user       TEXT,
    password   TEXT,
    authority  TEXT,                            -- PEM; NULL: the roots that browsers trust
    polled_ms  INTEGER,
    failure    TEXT,                            -- of the last poll
    UNIQUE (kind, address, collection)
) STRICT;
