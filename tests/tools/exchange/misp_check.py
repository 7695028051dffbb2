"""Loads a MISP feed (a folder, or an HTTPS address with a user and a password) with PyMISP; prints what it holds as JSON.

misp_check.py FOLDER | misp_check.py ADDRESS ROOT_CERTIFICATE USER PASSWORD
"""
import hashlib
import json
import pathlib
import sys

import jsonschema
import pymisp
import requests


def fetch(name):
    if len(sys.argv) == 2:
        return (pathlib.Path(sys.argv[1]) / name).read_text()
    address, certificate, user, password = sys.argv[1:]
    answer = requests.get(address + name, verify=certificate, auth=(user, password))
    answer.raise_for_status()
    return answer.text


schema = json.loads((pathlib.Path(pymisp.__file__).parent / "data/schema.json").read_text())
manifest = json.loads(fetch("manifest.json"))
hashes = {tuple(line.split(",")) for line in fetch("hashes.csv").splitlines()}
told = {"events": 0, "attributes": 0, "for_detection": 0, "tags": [], "problems": []}
found = set()
for uuid, entry in manifest.items():
    text = fetch(f"{uuid}.json")
    jsonschema.validate(json.loads(text), schema)
    event = pymisp.MISPEvent()
    event.load(text, validate=True)
    told["events"] += 1
    told["attributes"] += len(event.attributes)
    told["for_detection"] += sum(attribute.to_ids for attribute in event.attributes)
    told["tags"] += [tag.name for tag in event.tags]
    if event.uuid != uuid or event.info != entry["info"] or event.date.isoformat() != entry["date"]:
        told["problems"].append(f"{uuid} is not what the manifest says")
    if not event.galaxies or event.galaxies[0].clusters[0].tag_name not in [tag.name for tag in event.tags]:
        told["problems"].append(f"{uuid} has no galaxy")
    known = pymisp.MISPEvent().describe_types
    for attribute in event.attributes:
        if attribute.type not in known["category_type_mappings"][attribute.category]:
            told["problems"].append(f"{attribute.type} does not belong to {attribute.category}")
        found.add((hashlib.md5(attribute.value.encode()).hexdigest(), uuid))
if found != hashes:
    told["problems"].append(f"{len(found ^ hashes)} hashes differ")
told["tags"] = sorted(set(told["tags"]))
print(json.dumps(told))
