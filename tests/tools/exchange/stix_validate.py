"""Validates bundles (files named on the command line) with stix2-validator in strict mode; prints errors and warnings as JSON."""
import json
import sys

from stix2validator import ValidationOptions, validate_file

told = {"files": 0, "objects": 0, "errors": [], "warnings": []}
for name in sys.argv[1:]:
    told["files"] += 1
    told["objects"] += len(json.load(open(name))["objects"])
    result = validate_file(name, ValidationOptions(strict=True, version="2.1"))
    for one in result.object_results:
        told["errors"] += [str(error) for error in one.errors]
        told["warnings"] += [str(warning) for warning in one.warnings]
    if not result.is_valid:
        told["errors"].append(f"{name} is not valid")
print(json.dumps(told))
