-- Who is responsible for which networks, and what they were told.

-- From dumps of registries: countries (RIR statistics) and AS numbers (prefix lists). 16 bytes an address, IPv4 as mapped.
CREATE TABLE registry_country (
    first   BLOB PRIMARY KEY,
    last    BLOB NOT NULL,
    country TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE registry_asn (
    first BLOB NOT NULL,
    last  BLOB NOT NULL,
    asn   INTEGER NOT NULL,
    PRIMARY KEY (first, last)
) STRICT, WITHOUT ROWID;

-- Kept by staff: how to reach a peer.
CREATE TABLE contact (
    peer_key    INTEGER PRIMARY KEY REFERENCES peer (key),
    email       TEXT NOT NULL,
    language    TEXT NOT NULL,
    openpgp     TEXT,                           -- public key, armoured
    approved_ms INTEGER,                        -- a person agreed to write there
    approved_by TEXT,
    bounced_ms  INTEGER,
    bounce      TEXT
) STRICT;
-- What a peer answers for: a network, an AS number, or all hidden ends at a sensor.
CREATE TABLE contact_scope (
    peer_key INTEGER NOT NULL REFERENCES peer (key),
    scope    TEXT NOT NULL,                     -- as written: 192.0.2.0/24, AS64500, sensor:NAME
    first    BLOB,
    last     BLOB,
    PRIMARY KEY (scope, peer_key)
) STRICT, WITHOUT ROWID;

-- One thing that a recipient is told of: what is wrong at which end.
CREATE TABLE notice (
    key        INTEGER PRIMARY KEY,
    peer_key   INTEGER NOT NULL REFERENCES peer (key),
    subject    TEXT NOT NULL,                   -- the end and the kind
    state      TEXT NOT NULL CHECK (state IN ('open', 'told', 'fixed', 'relapsed')),
    sensor     TEXT NOT NULL,                   -- the sensor that saw it last
    first_ms   INTEGER NOT NULL,
    last_ms    INTEGER NOT NULL,
    findings   INTEGER NOT NULL,
    relapses   INTEGER NOT NULL DEFAULT 0,
    told_ms    INTEGER,                         -- of the last mail
    mails      INTEGER NOT NULL DEFAULT 0,
    fixed_ms   INTEGER,
    UNIQUE (peer_key, subject)
) STRICT;
-- Which findings a notice stands for; each is in one.
CREATE TABLE notice_finding (
    finding    TEXT PRIMARY KEY,
    notice_key INTEGER NOT NULL REFERENCES notice (key),
    told       INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_finding_by_notice ON notice_finding (notice_key, told);
CREATE TABLE mail (
    key        INTEGER PRIMARY KEY,
    peer_key   INTEGER NOT NULL REFERENCES peer (key),
    message_id TEXT NOT NULL UNIQUE,
    sent_ms    INTEGER NOT NULL,
    findings   INTEGER NOT NULL,
    bounced_ms INTEGER
) STRICT;
