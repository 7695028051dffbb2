-- Findings whose label became stricter after they were published: taken back already, they wait to be published under the new one.
CREATE TABLE relabelled (
    finding TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
