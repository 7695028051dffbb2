"""Carves the schema of IODEF version 2 out of the text of RFC 7970 (standard input) into a folder.

The two schemas of IANA that it imports are stood in for by the few elements that it names.
"""
import pathlib
import re
import sys

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
lines, inside = [], False
for line in sys.stdin.read().replace("\f", "").splitlines():
    inside = inside or line.strip().startswith('<xs:schema xmlns="urn:ietf:params:xml:ns:iodef-2.0"')
    # The feet and heads of pages stand between the lines of the schema.
    if inside and not re.match(r"^(Danyliw |RFC 7970 )", line):
        lines.append(line)
    if inside and line.strip() == "</xs:schema>":
        break
schema = "\n".join(lines)
schema = re.sub(r'schemaLocation="\s*[^"]*xmldsig[^"]*"', "", schema)
schema = re.sub(r'schemaLocation="\s*[^"]*iodef-enum[^"]*"', 'schemaLocation="enum.xsd"', schema)
schema = re.sub(r'schemaLocation="\s*[^"]*iodef-sci[^"]*"', 'schemaLocation="sci.xsd"', schema)
schema = re.sub(r'schemaLocation="\s*[^"]*xml\.xsd"', "", schema)
(folder / "iodef-2.0.xsd").write_text(schema)
for name, space, elements in [
    ("enum", "urn:ietf:params:xml:ns:iodef-enum-1.0", ["ReferenceName"]),
    ("sci", "urn:ietf:params:xml:ns:iodef-sci-1.0", ["AttackPattern", "Vulnerability", "Weakness"]),
]:
    named = "".join(f'<xs:element name="{element}"/>' for element in elements)
    text = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{space}">{named}</xs:schema>'
    (folder / f"{name}.xsd").write_text(text)
