-- Names that every database takes as they are, and numbers of a summary that reports add up in columns of their own.

ALTER TABLE user RENAME TO account;
ALTER TABLE source RENAME COLUMN user TO login;

ALTER TABLE status_record ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;               -- seen in the period of a summary
ALTER TABLE status_record ADD COLUMN bytes_not_inspected INTEGER NOT NULL DEFAULT 0; -- of these
UPDATE status_record SET bytes = CAST(min(coalesce(content ->> '$.bytes', 0), 9223372036854775807) AS INTEGER),
    bytes_not_inspected = CAST(min(coalesce(content ->> '$.bytes_not_inspected', 0), 9223372036854775807) AS INTEGER)
WHERE kind = 'summary';
