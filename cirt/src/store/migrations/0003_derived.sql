-- Derived from the inbox by the loader; `lapwing-cirt rebuild` empties and refills these tables.
-- (sensor, epoch, lane, number) is a record's identity: a unique key in every table, so nothing is counted twice.

CREATE TABLE finding (
    key                    INTEGER PRIMARY KEY,
    sensor_key             INTEGER NOT NULL REFERENCES sensor (key),
    epoch                  INTEGER NOT NULL,
    lane                   INTEGER NOT NULL,
    number                 INTEGER NOT NULL,
    batch_key              INTEGER NOT NULL REFERENCES batch (key),
    first_ms               INTEGER NOT NULL,
    last_ms                INTEGER NOT NULL,
    hits                   INTEGER NOT NULL,
    gid                    INTEGER NOT NULL,
    sid                    INTEGER NOT NULL,
    rev                    INTEGER NOT NULL,
    severity               INTEGER NOT NULL,
    action                 INTEGER NOT NULL,
    source                 BLOB,                -- 16 bytes, IPv4 as mapped; NULL when withheld
    source_disclosure      INTEGER NOT NULL,    -- 0 clear, 1 pseudonym, 2 withheld
    source_key_epoch       INTEGER,
    source_port            INTEGER,
    destination            BLOB,
    destination_disclosure INTEGER NOT NULL,
    destination_key_epoch  INTEGER,
    destination_port       INTEGER,
    protocol               INTEGER NOT NULL,
    app_protocol           TEXT,
    direction              INTEGER NOT NULL,
    packets_to_server      INTEGER NOT NULL,
    bytes_to_server        INTEGER NOT NULL,
    packets_to_client      INTEGER NOT NULL,
    bytes_to_client        INTEGER NOT NULL,
    flow_start_ms          INTEGER,
    facts                  TEXT NOT NULL,       -- JSON: [["http.host", "example.org"], …]
    policy                 BLOB,
    made_ms                INTEGER NOT NULL,    -- by the sensor's wall clock
    made_monotonic_ms      INTEGER NOT NULL,
    boot                   BLOB NOT NULL,
    clock_quality          INTEGER NOT NULL,
    UNIQUE (sensor_key, epoch, lane, number)
) STRICT;
CREATE INDEX finding_by_time ON finding (last_ms, key);
CREATE INDEX finding_by_sensor ON finding (sensor_key, last_ms);
CREATE INDEX finding_by_rule ON finding (sid, gid, last_ms);
CREATE INDEX finding_by_source ON finding (source);
CREATE INDEX finding_by_destination ON finding (destination);

-- Heartbeats, summaries and kinds this program does not read: what pages ask for by column, the rest as JSON.
CREATE TABLE status_record (
    key        INTEGER PRIMARY KEY,
    sensor_key INTEGER NOT NULL REFERENCES sensor (key),
    epoch      INTEGER NOT NULL,
    lane       INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    batch_key  INTEGER NOT NULL REFERENCES batch (key),
    kind       TEXT NOT NULL,                   -- 'heartbeat', 'summary', 'unknown'
    made_ms    INTEGER NOT NULL,
    findings   INTEGER NOT NULL DEFAULT 0,      -- findings made in the period of a summary
    suppressed INTEGER NOT NULL DEFAULT 0,      -- findings its policy kept back
    content    TEXT NOT NULL,                   -- JSON
    UNIQUE (sensor_key, epoch, lane, number)
) STRICT;
CREATE INDEX status_by_sensor ON status_record (sensor_key, kind, made_ms);

-- Records the sensor had to drop: the range lies in `of_lane`, the record that says so in `lane`.
CREATE TABLE eviction (
    key        INTEGER PRIMARY KEY,
    sensor_key INTEGER NOT NULL REFERENCES sensor (key),
    epoch      INTEGER NOT NULL,
    lane       INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    batch_key  INTEGER NOT NULL REFERENCES batch (key),
    made_ms    INTEGER NOT NULL,
    of_lane    INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    dropped    INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    UNIQUE (sensor_key, epoch, lane, number)
) STRICT;

-- Which record numbers are stored, as maximal runs: the holes between them are what is missing.
CREATE TABLE stored_range (
    sensor_key INTEGER NOT NULL REFERENCES sensor (key),
    epoch      INTEGER NOT NULL,
    lane       INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    PRIMARY KEY (sensor_key, epoch, lane, first)
) STRICT, WITHOUT ROWID;

-- Records that came again in another batch and were not counted again.
CREATE TABLE repeated_records (
    sensor_key INTEGER NOT NULL REFERENCES sensor (key),
    epoch      INTEGER NOT NULL,
    lane       INTEGER NOT NULL,
    records    INTEGER NOT NULL,
    PRIMARY KEY (sensor_key, epoch, lane)
) STRICT, WITHOUT ROWID;
