-- Indicators that came from others, what became of them, and what others say of ours.

CREATE TABLE indicator (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,  -- sensors return hits under it; never used again
    kind        TEXT NOT NULL,                      -- as in lists of indicators, or 'rule'
    value       TEXT NOT NULL,
    peer_key    INTEGER NOT NULL REFERENCES peer (key),
    name_there  TEXT NOT NULL,                      -- what the peer calls it
    comment     TEXT NOT NULL,
    tlp         INTEGER NOT NULL CHECK (tlp BETWEEN 0 AND 4),
    severity    INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'rejected', 'retired')),
    reason      TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    until_ms    INTEGER,
    decided_ms  INTEGER,
    decided_by  TEXT,
    published   INTEGER NOT NULL DEFAULT 0,         -- stands in the collection of its label
    UNIQUE (kind, value, peer_key, name_there)
) STRICT;
CREATE INDEX indicator_by_state ON indicator (state, number);
CREATE INDEX indicator_by_name_there ON indicator (peer_key, name_there);

-- Kinds of indicators from a peer that need nobody's approval.
CREATE TABLE trusted_kinds (
    peer_key INTEGER PRIMARY KEY REFERENCES peer (key),
    kinds    TEXT NOT NULL,
    severity INTEGER NOT NULL
) STRICT;

-- What must not be looked for: names from the root on (`com.example`), and networks (16 bytes, IPv4 as mapped).
CREATE TABLE harmless_name (
    list     TEXT NOT NULL,
    reversed TEXT NOT NULL,
    PRIMARY KEY (reversed, list)
) STRICT, WITHOUT ROWID;
CREATE TABLE harmless_network (
    list  TEXT NOT NULL,
    first BLOB NOT NULL,
    last  BLOB NOT NULL,
    PRIMARY KEY (first, last, list)
) STRICT, WITHOUT ROWID;

-- What peers say of what we shared.
CREATE TABLE feedback (
    key         INTEGER PRIMARY KEY,
    peer_key    INTEGER NOT NULL REFERENCES peer (key),
    name        TEXT NOT NULL,                      -- of the object that says so
    about       TEXT NOT NULL,                      -- name of the object that it speaks of
    kind        TEXT NOT NULL CHECK (kind IN ('sighting', 'opinion')),
    word        TEXT NOT NULL,                      -- an opinion of the standard's five, or how often it was seen
    comment     TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    UNIQUE (peer_key, name, about)
) STRICT;
