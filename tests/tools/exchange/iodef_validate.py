"""Validates IODEF documents against the schema of RFC 7970: iodef_validate.py SCHEMA_FOLDER DOCUMENT…; prints the errors as JSON."""
import json
import pathlib
import sys

import xmlschema

folder = pathlib.Path(sys.argv[1])
signatures = pathlib.Path(xmlschema.__file__).parent / "schemas/DSIG/xmldsig-core-schema.xsd"
schema = xmlschema.XMLSchema(
    str(folder / "iodef-2.0.xsd"),
    locations={"http://www.w3.org/2000/09/xmldsig#": str(signatures)},
)
print(json.dumps([[str(error.reason) for error in schema.iter_errors(name)] for name in sys.argv[2:]]))
