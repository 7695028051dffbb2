"""What DuckDB reads in a table of findings that lies in an S3 store, day by day, as JSON lines: day, findings, distinct keys, alerts.

DuckDB reads the log of the table, and its files, itself, by its extensions `delta` and `httpfs`. Arguments: the URL of the table. Endpoint and
keys stand in the environment, as for the centre.
"""

import json
import os
import pathlib
import site
import sys
from urllib.parse import urlparse

import duckdb

extensions = pathlib.Path(site.getsitepackages()[0]) / f"duckdb_ext/extensions/v{duckdb.__version__}/linux_amd64"
connection = duckdb.connect()
for name in ("httpfs", "delta"):
    connection.execute(f"LOAD '{extensions / name}.duckdb_extension'")
endpoint = urlparse(os.environ["AWS_ENDPOINT"])
connection.execute(
    f"""
    CREATE SECRET (TYPE s3, KEY_ID '{os.environ["AWS_ACCESS_KEY_ID"]}', SECRET '{os.environ["AWS_SECRET_ACCESS_KEY"]}',
                   REGION '{os.environ["AWS_REGION"]}', ENDPOINT '{endpoint.netloc}', URL_STYLE 'path', USE_SSL {endpoint.scheme == "https"})
    """
)
rows = connection.execute(
    """
    SELECT CAST(day AS VARCHAR), count(*), count(DISTINCT key), CAST(sum(hits) AS BIGINT)
    FROM delta_scan($table) GROUP BY day ORDER BY day
    """,
    {"table": sys.argv[1]},
).fetchall()
for row in rows:
    print(json.dumps(row))
