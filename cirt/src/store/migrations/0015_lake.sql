-- Findings, and who saw what, lie in Delta Lake tables beside this database. Here stands what is on its way there, and where to look.

-- Which table is the one in use, and the key of the next finding. One row.
CREATE TABLE lake (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL,                 -- a rebuild begins a new table
    next_key   INTEGER NOT NULL
) STRICT;
INSERT INTO lake (one, generation, next_key) VALUES (1, 1, 1);

-- Rows that are written to the table together and at once: written down here first, so that a retry writes the same.
-- Units are numbered from 1 without holes and written in that order.
CREATE TABLE load_unit (
    key          INTEGER PRIMARY KEY,
    findings     INTEGER NOT NULL,
    recorded_ms  INTEGER NOT NULL,
    committed_ms INTEGER                         -- NULL until its rows are in the table
) STRICT;
CREATE INDEX load_unit_waiting ON load_unit (key) WHERE committed_ms IS NULL;

-- The findings of a loaded batch that no committed unit holds, as columns (Arrow IPC).
CREATE TABLE fresh_finding (
    batch_key INTEGER PRIMARY KEY REFERENCES batch (key),
    unit_key  INTEGER REFERENCES load_unit (key),
    loaded_ms INTEGER NOT NULL,
    findings  INTEGER NOT NULL,
    rows      BLOB NOT NULL
) STRICT;
CREATE INDEX fresh_finding_by_unit ON fresh_finding (unit_key);

-- Where the findings of a run of records are: the first one's key, and the days of their last packets.
CREATE TABLE finding_run (
    sensor_key INTEGER NOT NULL REFERENCES sensor (key),
    epoch      INTEGER NOT NULL,
    lane       INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    first_key  INTEGER NOT NULL,
    first_day  INTEGER NOT NULL,
    last_day   INTEGER NOT NULL,
    PRIMARY KEY (sensor_key, epoch, lane, first)
) STRICT, WITHOUT ROWID;

-- Which rule a finding is of, for those of which something was published: labels of groups reach them by it.
CREATE TABLE published_finding (
    finding TEXT PRIMARY KEY,                    -- its stable name
    gid     INTEGER NOT NULL,
    sid     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO published_finding (finding, gid, sid)
SELECT name, gid, sid FROM (
    SELECT lower(hex(sensor.identity)) || '-' || printf('%016x', finding.epoch) || '-'
           || CASE finding.lane WHEN 0 THEN 'critical' WHEN 1 THEN 'normal' WHEN 2 THEN 'low' WHEN 3 THEN 'status' ELSE 'evidence' END
           || '-' || finding.number AS name, finding.gid AS gid, finding.sid AS sid
    FROM finding JOIN sensor ON sensor.key = finding.sensor_key)
WHERE name IN (SELECT about FROM collection_object UNION SELECT finding FROM relabelled);

-- What is stored is worked through once more, in the order in which it came: so every finding gets the key it had.
DELETE FROM stored_range;
DELETE FROM repeated_records;
DELETE FROM status_record;
DELETE FROM eviction;
DELETE FROM day_total;
DELETE FROM hour_total;
DELETE FROM group_sensor;
DELETE FROM sensor_total;
UPDATE batch SET state = 'waiting', reason = NULL;
DROP TABLE finding;
DROP TABLE sighting;
