"""What DuckDB reads in a table of findings, day by day, as JSON lines: day, findings, distinct keys, alerts, rules, oldest and newest last packet.

Which files belong to the newest version is read by the Python package `deltalake`; the files are read by DuckDB alone.
"""

import json
import sys

import deltalake
import duckdb

table = deltalake.DeltaTable(sys.argv[1])
rows = duckdb.sql(
    """
    SELECT CAST(day AS VARCHAR), count(*), count(DISTINCT key), CAST(sum(hits) AS BIGINT), count(DISTINCT sid),
           epoch_ms(min(last)), epoch_ms(max(last))
    FROM read_parquet($files, hive_partitioning = true) GROUP BY day ORDER BY day
    """,
    params={"files": table.file_uris()},
).fetchall()
for row in rows:
    print(json.dumps(row))
