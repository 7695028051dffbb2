"""Reads each line of a file as IDEA0 (`idea-format`); prints how many and what was wrong as JSON."""
import json
import sys

from idea import valid

NEEDED = {"Format", "ID", "DetectTime", "Category"}
told = {"events": 0, "problems": []}
for line in open(sys.argv[1]):
    fields = json.loads(line)
    try:
        valid.Idea(fields)
        told["events"] += 1
    except Exception as problem:
        told["problems"].append(repr(problem))
    # The library does not mind their absence.
    if missing := NEEDED - fields.keys():
        told["problems"].append(f"without {sorted(missing)}")
print(json.dumps(told))
