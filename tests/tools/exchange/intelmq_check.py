"""Makes an `Event` of IntelMQ from each line of a file; prints how many and what was wrong as JSON."""
import json
import sys

from intelmq.lib.harmonization import ClassificationTaxonomy
from intelmq.lib.message import MessageFactory

told = {"events": 0, "problems": []}
for line in open(sys.argv[1]):
    fields = json.loads(line)
    try:
        event = MessageFactory.from_dict(fields, default_type="Event")
    except Exception as problem:
        told["problems"].append(repr(problem))
        continue
    told["events"] += 1
    if not ClassificationTaxonomy.is_valid(event["classification.taxonomy"]):
        told["problems"].append(event["classification.taxonomy"])
    if "source.ip" in fields and event["source.ip"] != fields["source.ip"]:
        told["problems"].append("an address was changed")
print(json.dumps(told))
