-- The inbox for people: groups of findings and the work on them; sums and sightings that make reads fast.
-- `finding_group`, `group_event`, `incident` and `saved_view` are control state. The other tables are derived.

-- All findings of one rule, nationwide: what people take, classify and close.
CREATE TABLE finding_group (
    key          INTEGER PRIMARY KEY,
    gid          INTEGER NOT NULL,
    sid          INTEGER NOT NULL,
    state        TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'open', 'closed')),
    assignee_key INTEGER REFERENCES user (key),
    class        TEXT NOT NULL DEFAULT '',       -- RSIT, `malicious-code:infected-system`
    tlp          TEXT NOT NULL DEFAULT 'amber',
    incident_key INTEGER REFERENCES incident (key),
    created_ms   INTEGER NOT NULL,
    notified_ms  INTEGER,                        -- first told to whom it concerns
    closed_ms    INTEGER,
    reopened     INTEGER NOT NULL DEFAULT 0,     -- how often it came back
    UNIQUE (gid, sid)
) STRICT;

-- What became of a group, by whom. Only added to.
CREATE TABLE group_event (
    key       INTEGER PRIMARY KEY,
    group_key INTEGER NOT NULL REFERENCES finding_group (key),
    at_ms     INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    detail    TEXT NOT NULL
) STRICT;
CREATE INDEX group_event_by_group ON group_event (group_key, key);

-- A case: groups that belong together.
CREATE TABLE incident (
    key        INTEGER PRIMARY KEY,
    title      TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    closed_ms  INTEGER
) STRICT;

CREATE TABLE saved_view (
    key       INTEGER PRIMARY KEY,
    user_key  INTEGER NOT NULL REFERENCES user (key),
    name      TEXT NOT NULL,
    link      TEXT NOT NULL,                     -- path and query
    is_shared INTEGER NOT NULL DEFAULT 0,
    UNIQUE (user_key, name)
) STRICT;

-- A group at one sensor.
CREATE TABLE group_sensor (
    group_key   INTEGER NOT NULL REFERENCES finding_group (key),
    sensor_key  INTEGER NOT NULL REFERENCES sensor (key),
    severity    INTEGER NOT NULL,                -- the gravest
    findings    INTEGER NOT NULL,
    hits        INTEGER NOT NULL,
    from_inside INTEGER NOT NULL,                -- findings whose source is a subscriber
    critical    INTEGER NOT NULL,                -- findings with an end in a critical network
    first_ms    INTEGER NOT NULL,
    last_ms     INTEGER NOT NULL,
    PRIMARY KEY (group_key, sensor_key)
) STRICT, WITHOUT ROWID;

-- Sums by UTC day and rule, and by hour.
CREATE TABLE day_total (
    day        INTEGER NOT NULL,                 -- days since 1970 of the last packet
    sensor_key INTEGER NOT NULL REFERENCES sensor (key),
    gid        INTEGER NOT NULL,
    sid        INTEGER NOT NULL,
    rev        INTEGER NOT NULL,
    severity   INTEGER NOT NULL,
    findings   INTEGER NOT NULL,
    hits       INTEGER NOT NULL,
    last_ms    INTEGER NOT NULL,
    PRIMARY KEY (day, sensor_key, gid, sid, rev, severity)
) STRICT, WITHOUT ROWID;
CREATE TABLE hour_total (
    hour       INTEGER NOT NULL,                 -- hours since 1970 of the last packet
    sensor_key INTEGER NOT NULL REFERENCES sensor (key),
    severity   INTEGER NOT NULL,
    findings   INTEGER NOT NULL,
    PRIMARY KEY (hour, sensor_key, severity)
) STRICT, WITHOUT ROWID;

-- Who saw an address or a host name, by day: "who else saw this" without reading findings.
CREATE TABLE sighting (
    kind       INTEGER NOT NULL,                 -- 0 address, 1 pseudonym, 2 host
    value      BLOB NOT NULL,                    -- 16 bytes of an address; a host name backwards
    day        INTEGER NOT NULL,
    sensor_key INTEGER NOT NULL REFERENCES sensor (key),
    findings   INTEGER NOT NULL,
    hits       INTEGER NOT NULL,
    first_ms   INTEGER NOT NULL,
    last_ms    INTEGER NOT NULL,
    PRIMARY KEY (kind, value, day, sensor_key)
) STRICT, WITHOUT ROWID;

-- Keys in random order made loading slower the more there was; sightings and sums answer instead.
DROP INDEX finding_by_rule;
DROP INDEX finding_by_source;
DROP INDEX finding_by_destination;

-- What is stored is worked through once more, so that the new tables are filled.
DELETE FROM finding;
DELETE FROM status_record;
DELETE FROM eviction;
DELETE FROM stored_range;
DELETE FROM repeated_records;
UPDATE batch SET state = 'waiting', reason = NULL;

-- The bytes of a batch apart from what is said of it: sums over batches need not walk over the bytes.
CREATE TABLE envelope (
    batch_key INTEGER PRIMARY KEY REFERENCES batch (key),
    bytes     BLOB NOT NULL                      -- as they were sent
) STRICT;
INSERT INTO envelope (batch_key, bytes) SELECT key, envelope FROM batch;
ALTER TABLE batch DROP COLUMN envelope;

-- The books of a sensor, as far as they are sums.
CREATE TABLE sensor_total (
    sensor_key     INTEGER PRIMARY KEY REFERENCES sensor (key),
    findings       INTEGER NOT NULL,
    other_records  INTEGER NOT NULL,             -- status records and evictions
    findings_made  INTEGER NOT NULL,             -- as its summaries say
    suppressed     INTEGER NOT NULL              -- kept back by its policy, as its summaries say
) STRICT;
