-- What staff keep out of the inbox for a while, and how much of it there was.

-- Control state. Holds for findings received from `created_ms` until it ended or expired; what is not named is any.
CREATE TABLE suppression (
    key              INTEGER PRIMARY KEY,
    gid              INTEGER,
    sid              INTEGER,
    sensor_key       INTEGER REFERENCES sensor (key),
    tenant_key       INTEGER REFERENCES tenant (key),
    network          TEXT,                       -- as written: 192.0.2.0/24
    first            BLOB,                       -- its ends, 16 bytes, IPv4 as mapped
    last             BLOB,
    reason           TEXT NOT NULL,
    created_ms       INTEGER NOT NULL,
    created_by       TEXT NOT NULL,
    maker_tenant_key INTEGER REFERENCES tenant (key), -- the tenant that its maker saw; NULL is the nation
    expires_ms       INTEGER NOT NULL,
    ended_ms         INTEGER,
    ended_by         TEXT,
    CHECK ((gid IS NULL) = (sid IS NULL))
) STRICT;

-- Derived: findings that a suppression kept out of the groups, by the day they were received. Each is counted with one.
CREATE TABLE suppressed_total (
    suppression_key INTEGER NOT NULL REFERENCES suppression (key),
    day             INTEGER NOT NULL,            -- days since 1970
    sensor_key      INTEGER NOT NULL REFERENCES sensor (key),
    gid             INTEGER NOT NULL,
    sid             INTEGER NOT NULL,
    findings        INTEGER NOT NULL,
    hits            INTEGER NOT NULL,
    PRIMARY KEY (suppression_key, day, sensor_key, gid, sid)
) STRICT, WITHOUT ROWID;
CREATE INDEX suppressed_total_by_rule ON suppressed_total (gid, sid, day);
