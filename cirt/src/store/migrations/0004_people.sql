-- People and what each may see: tenants, roles, second factor, tokens for programs, an audit trail that tells of edits.

-- Who may see only a part of the nation: a provider, or a sector with a CIRT of its own.
CREATE TABLE tenant (
    key        INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,            -- as in links and on the command line
    kind       TEXT NOT NULL CHECK (kind IN ('provider', 'sector')),
    title      TEXT NOT NULL,                   -- as on pages and in reports
    created_ms INTEGER NOT NULL
) STRICT;

-- A sensor stands at one tenant; without one only the national view shows it.
ALTER TABLE sensor ADD COLUMN tenant_key INTEGER REFERENCES tenant (key);
CREATE INDEX sensor_by_tenant ON sensor (tenant_key);

-- Networks that matter: `critical` ones are the nation's critical infrastructure.
CREATE TABLE network (
    first      BLOB NOT NULL,                   -- 16 bytes, IPv4 as mapped
    last       BLOB NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('critical')),
    title      TEXT NOT NULL,
    PRIMARY KEY (first, last, kind)
) STRICT, WITHOUT ROWID;

-- More roles and columns; sessions end once, for they hang on the old table.
DROP TABLE session;
CREATE TABLE user_of_four (
    key           INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL
                  CHECK (role IN ('viewer', 'analyst', 'rule-editor', 'fleet', 'administrator', 'isp-contact')),
    tenant_key    INTEGER REFERENCES tenant (key),  -- sees only this tenant; NULL sees the nation
    password_hash TEXT NOT NULL,                -- PHC string, argon2id
    totp_secret   BLOB,                         -- second factor, when one was set up
    totp_step     INTEGER NOT NULL DEFAULT 0,   -- the newest step used: a code works once
    language      TEXT NOT NULL DEFAULT '',     -- '' is what the browser asks for
    created_ms    INTEGER NOT NULL,
    disabled_ms   INTEGER,
    login_ms      INTEGER,
    CHECK (role <> 'isp-contact' OR tenant_key IS NOT NULL)
) STRICT;
INSERT INTO user_of_four (key, name, role, password_hash, created_ms, disabled_ms, login_ms)
    SELECT key, name, role, password_hash, created_ms, disabled_ms, login_ms FROM user;
DROP TABLE user;
ALTER TABLE user_of_four RENAME TO user;

CREATE TABLE session (
    token_hash BLOB PRIMARY KEY,                -- SHA-256 of the cookie
    user_key   INTEGER NOT NULL REFERENCES user (key),
    form_token TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    seen_ms    INTEGER NOT NULL
) STRICT;

-- What programs log in with. A token may do what it names and its owner may do.
CREATE TABLE api_token (
    key        INTEGER PRIMARY KEY,
    user_key   INTEGER NOT NULL REFERENCES user (key),
    name       TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,            -- SHA-256
    scopes     TEXT NOT NULL,                   -- permissions, separated by spaces
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    used_ms    INTEGER,
    revoked_ms INTEGER
) STRICT;

-- Each line holds the digest of all lines up to itself. Lines from before this version have none; the first one
-- that has covers them.
ALTER TABLE audit ADD COLUMN digest BLOB;
CREATE TRIGGER audit_is_chained BEFORE INSERT ON audit WHEN new.digest IS NULL OR length(new.digest) <> 32
BEGIN SELECT RAISE(ABORT, 'a line of the audit trail needs its digest'); END;
