-- Control state: who may send, who may read, who did what. Times are milliseconds since 1970-01-01 UTC.

CREATE TABLE sensor (
    key             INTEGER PRIMARY KEY,
    identity        BLOB NOT NULL UNIQUE,       -- 16 random bytes, given at the first enrolment, kept for ever
    name            TEXT NOT NULL UNIQUE,
    created_ms      INTEGER NOT NULL,
    contact_ms      INTEGER,                    -- last authenticated request
    contact_address TEXT
) STRICT;

-- One key of one device. A re-flashed sensor enrols again with a new key and stays the same sensor.
CREATE TABLE enrolment (
    key          INTEGER PRIMARY KEY,
    sensor_key   INTEGER NOT NULL REFERENCES sensor (key),
    public_key   BLOB NOT NULL UNIQUE,          -- Ed25519; signs the device's batches and its TLS handshakes
    state        TEXT NOT NULL CHECK (state IN ('pending', 'active', 'replaced', 'revoked')),
    machine      TEXT NOT NULL,                 -- what the device said of itself, one `name=value` a line
    requested_ms INTEGER NOT NULL,
    decided_ms   INTEGER,
    decided_by   TEXT
) STRICT;
CREATE INDEX enrolment_by_sensor ON enrolment (sensor_key);
CREATE UNIQUE INDEX enrolment_one_active ON enrolment (sensor_key) WHERE state = 'active';

CREATE TABLE voucher (
    secret_hash   BLOB PRIMARY KEY,             -- SHA-256; the secret itself is never stored
    sensor_name   TEXT NOT NULL,
    pre_approved  INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL,
    expires_ms    INTEGER NOT NULL,
    used_ms       INTEGER,
    enrolment_key INTEGER REFERENCES enrolment (key)
) STRICT;

CREATE TABLE certificate (
    serial        BLOB PRIMARY KEY,
    enrolment_key INTEGER NOT NULL REFERENCES enrolment (key),
    issued_ms     INTEGER NOT NULL,
    expires_ms    INTEGER NOT NULL
) STRICT;
CREATE INDEX certificate_by_enrolment ON certificate (enrolment_key);

CREATE TABLE user (
    key           INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL CHECK (role IN ('administrator', 'analyst')),
    password_hash TEXT NOT NULL,                -- PHC string, argon2id
    created_ms    INTEGER NOT NULL,
    disabled_ms   INTEGER,
    login_ms      INTEGER
) STRICT;

CREATE TABLE session (
    token_hash BLOB PRIMARY KEY,                -- SHA-256 of the cookie
    user_key   INTEGER NOT NULL REFERENCES user (key),
    form_token TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    seen_ms    INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_rewritten BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is not rewritten'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is not deleted'); END;

CREATE TABLE rule (
    gid        INTEGER NOT NULL,
    sid        INTEGER NOT NULL,
    rev        INTEGER NOT NULL,
    message    TEXT NOT NULL,
    class_type TEXT,
    category   TEXT,
    severity   INTEGER,
    reference_list TEXT NOT NULL,               -- one a line
    body       TEXT NOT NULL,
    PRIMARY KEY (gid, sid, rev)
) STRICT, WITHOUT ROWID;
CREATE INDEX rule_by_message ON rule (message);

INSERT INTO sensor VALUES (1, x'11111111111111111111111111111111', 'isp-a', 1767225600000, 1767312000000, '192.0.2.1');
INSERT INTO enrolment VALUES (1, 1, x'2222222222222222222222222222222222222222222222222222222222222222', 'active', 'model=board', 1767225600000, 1767225660000, 'admin');
INSERT INTO voucher VALUES (x'3333333333333333333333333333333333333333333333333333333333333333', 'isp-a', 0, 1767225500000, 1767484700000, 1767225600000, 1);
INSERT INTO certificate VALUES (x'44', 1, 1767225660000, 1769817660000);
INSERT INTO user VALUES (1, 'admin', 'administrator', '$argon2id$', 1767225400000, NULL, NULL);
INSERT INTO user VALUES (2, 'ana', 'analyst', '$argon2id$', 1767225400000, 1767225500000, NULL);
INSERT INTO audit VALUES (1, 1767225400000, 'cli:root', 'user.add', 'admin as administrator');
INSERT INTO audit VALUES (2, 1767225660000, 'admin', 'sensor.approve', 'isp-a');
PRAGMA user_version = 1;
