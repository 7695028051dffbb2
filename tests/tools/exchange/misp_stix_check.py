"""Converts a bundle of STIX 2.1 to a MISP event with misp-stix; prints errors, warnings and what came out as JSON."""
import json
import sys

from misp_stix_converter import ExternalSTIX2toMISPParser
from stix2.parsing import parse

with open(sys.argv[1]) as file:
    bundle = parse(file.read(), allow_custom=True)
parser = ExternalSTIX2toMISPParser()
parser.load_stix_bundle(bundle)
parser.parse_stix_bundle(single_event=True)
event = parser.misp_event
print(json.dumps({
    "errors": [str(error) for errors in parser.errors.values() for error in errors],
    "warnings": [str(warning) for warnings in parser.warnings.values() for warning in warnings],
    "attributes": len(event.attributes),
    "objects": len(event.objects),
    "tags": sorted(tag.name for tag in event.tags),
}))
