-- Exchange: with whom, what was agreed, how findings are marked, and the register of all that went out or was refused.

CREATE TABLE peer (
    key           INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL CHECK (kind IN ('cirt', 'provider', 'own', 'public')),
    country       TEXT,                         -- ISO 3166-1, two letters
    password_hash BLOB UNIQUE,                  -- SHA-256 of a random password; NULL: it cannot log in
    created_ms    INTEGER NOT NULL,
    disabled_ms   INTEGER
) STRICT;

CREATE TABLE agreement (
    key            INTEGER PRIMARY KEY,
    peer_key       INTEGER NOT NULL REFERENCES peer (key),
    reference      TEXT NOT NULL UNIQUE,        -- what the signed paper is called
    ceiling        INTEGER NOT NULL CHECK (ceiling BETWEEN 0 AND 3),  -- TLP: clear, green, amber, amber+strict
    kinds          TEXT NOT NULL,               -- words joined by commas
    countries      TEXT NOT NULL,               -- as above; empty: any
    smallest_count INTEGER NOT NULL,
    from_ms        INTEGER NOT NULL,
    until_ms       INTEGER,
    made_ms        INTEGER NOT NULL,
    made_by        TEXT NOT NULL,
    ended_ms       INTEGER                      -- set when another takes its place or staff end it
) STRICT;
CREATE UNIQUE INDEX agreement_one_a_peer ON agreement (peer_key) WHERE ended_ms IS NULL;

-- The label of a finding, where a person gave it one.
CREATE TABLE marking (
    subject TEXT PRIMARY KEY,
    tlp     INTEGER NOT NULL CHECK (tlp BETWEEN 0 AND 4),
    set_ms  INTEGER NOT NULL,
    set_by  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sharing_register (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms     INTEGER NOT NULL,
    peer      TEXT NOT NULL,
    agreement TEXT,                             -- its reference; NULL when there was none
    way       TEXT NOT NULL,                    -- the format or server it went by
    kind      TEXT NOT NULL,
    tlp       INTEGER NOT NULL,
    refusal   TEXT,                             -- why nothing went; NULL when it went
    items     INTEGER NOT NULL,
    subjects  TEXT NOT NULL                     -- the first names, one a line
) STRICT;
CREATE INDEX sharing_register_by_peer ON sharing_register (peer, id);
CREATE TRIGGER sharing_register_is_not_rewritten BEFORE UPDATE ON sharing_register
BEGIN SELECT RAISE(ABORT, 'the sharing register is not rewritten'); END;
CREATE TRIGGER sharing_register_is_not_deleted BEFORE DELETE ON sharing_register
BEGIN SELECT RAISE(ABORT, 'the sharing register is not deleted'); END;
