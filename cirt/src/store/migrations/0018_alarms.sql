-- Whom alarms are told to, of what, and the queue of what is to be told. All of it is control state.

-- A mail address or a web address. What was removed stays, for the messages that went there.
CREATE TABLE alarm_target (
    key             INTEGER PRIMARY KEY,
    name            TEXT NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('mail', 'webhook')),
    address         TEXT NOT NULL,
    language        TEXT NOT NULL,               -- of the text
    secret          TEXT,                        -- a webhook's bodies are signed with it
    authority       TEXT,                        -- certificates (PEM) where browsers do not know the server's
    allows_loopback INTEGER NOT NULL DEFAULT 0,
    pause_ms        INTEGER NOT NULL,            -- between two messages; what comes meanwhile goes together
    created_ms      INTEGER NOT NULL,
    removed_ms      INTEGER
) STRICT;
CREATE UNIQUE INDEX alarm_target_by_name ON alarm_target (name) WHERE removed_ms IS NULL;

CREATE TABLE alarm_rule (
    key        INTEGER PRIMARY KEY,
    target_key INTEGER NOT NULL REFERENCES alarm_target (key),
    kind       TEXT NOT NULL CHECK (kind IN ('group', 'sensor', 'batch')),
    words      TEXT NOT NULL,                    -- tiers, conditions, or kinds of trouble, separated by spaces
    tenant_key INTEGER REFERENCES tenant (key),  -- only what is there; NULL is the nation
    created_ms INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    ended_ms   INTEGER
) STRICT;

-- A text that was decided on before it was sent: tried again, it is the same, under the same id.
CREATE TABLE alarm_message (
    key        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    target_key INTEGER NOT NULL REFERENCES alarm_target (key),
    made_ms    INTEGER NOT NULL,
    events     INTEGER NOT NULL,
    subject    TEXT NOT NULL,
    body       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'given-up')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_ms    INTEGER NOT NULL,                 -- not tried before
    done_ms    INTEGER,
    problem    TEXT                              -- of the last attempt
) STRICT;
CREATE INDEX alarm_message_by_target ON alarm_message (target_key, made_ms);
CREATE INDEX alarm_message_waiting ON alarm_message (next_ms) WHERE state = 'waiting';

-- What a rule has seen: each thing once. What was there before the rule was made is not told.
CREATE TABLE alarm_event (
    key         INTEGER PRIMARY KEY,
    rule_key    INTEGER NOT NULL REFERENCES alarm_rule (key),
    subject     TEXT NOT NULL,
    at_ms       INTEGER NOT NULL,
    content     TEXT NOT NULL,                   -- JSON
    state       TEXT NOT NULL CHECK (state IN ('known', 'waiting', 'told')),
    message_key INTEGER REFERENCES alarm_message (key),
    UNIQUE (rule_key, subject)
) STRICT;
CREATE INDEX alarm_event_waiting ON alarm_event (rule_key, key) WHERE state = 'waiting';

-- Since when each sensor has been in its condition, as the watch saw it.
CREATE TABLE sensor_condition (
    sensor_key INTEGER PRIMARY KEY REFERENCES sensor (key),
    condition  TEXT NOT NULL,
    since_ms   INTEGER NOT NULL
) STRICT;
