"""Reads each line of a file as a message of RFC 5424; prints how many and what was wrong as JSON."""
import json
import sys

from syslog_rfc5424_parser import SyslogMessage

told = {"events": 0, "problems": [], "ids": []}
for line in open(sys.argv[1]):
    try:
        message = SyslogMessage.parse(line.rstrip("\n"))
        told["events"] += 1
        told["ids"].append(message.sd["lapwing@32473"]["id"])
    except Exception as problem:
        told["problems"].append(repr(problem))
print(json.dumps(told))
