"""Holds reports (files named on the command line) against XARF v4; prints for each its errors as JSON."""
import json
import sys

import xarf

told = []
for name in sys.argv[1:]:
    with open(name) as file:
        # Not strict: that takes every recommended field for a must, also what a provider keeps back.
        result = xarf.parse(json.load(file))
    told.append([str(error) for error in result.errors])
print(json.dumps(told))
