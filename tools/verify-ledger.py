#!/usr/bin/env python3
"""Checks a sensor's ledger without any code of Lapwing's: Python's standard library only, to be read in one sitting.

LEDGER is the folder with the `*.lines`. A line is HASH, a space, JSON; HASH is the SHA-256 (hex) of the hash before it (64 zeros
before line 1, as text) followed by the JSON as it stands. `head` names the last line. OUTBOX is the outbox's folder: what waits there
must be in the ledger. CAPTURE is a pcap file of the uplink: the TCP payload to the centre, or to the proxy before it, must be the
ledger's, to the byte, and whole TLS records behind what the proxy was asked. HASH is what you noted when you looked last: the line must still be there. Exit status 0 is good, 1 is not.
"""
import argparse, collections, hashlib, ipaddress, json, pathlib, struct, sys

problems = []


def lines_of(folder):
    before, number, hashes, lines = "0" * 64, 0, {}, []
    files = sorted(pathlib.Path(folder).glob("*.lines"))
    for at, path in enumerate(files):
        first = int(path.stem)
        if number == 0 and first > 1:  # earlier files were taken away: the chain begins here
            number, before = first - 1, None
        data = path.read_bytes()
        if at + 1 == len(files):  # a line that a power cut has torn is none
            data = data[: data.rfind(b"\n") + 1]
        for text in data.decode().splitlines():
            given, _, body = text.partition(" ")
            number += 1
            if before is not None and hashlib.sha256((before + body).encode()).hexdigest() != given:
                sys.exit(f"WRONG: line {number} was changed, or a line before it was taken away or moved")
            before = hashes[number] = given
            lines.append(json.loads(body))
            if lines[-1]["line"] != number:
                sys.exit(f"WRONG: line {number} says that it is line {lines[-1]['line']}")
    head = pathlib.Path(folder, "head")
    named = json.loads(head.read_text()) if head.exists() else {"lines": 0, "hash": ""}
    if number and (named["lines"], named["hash"]) != (number, before) and named["lines"] + 1 != number:
        problems.append(f"the head names line {named['lines']}, and {number} are there")
    return lines, hashes


def books_of(lines):
    sealed, sent, connections = set(), [], {}
    for line in lines:
        what = line["what"]
        envelope = tuple(line.get(key) for key in ("epoch", "batch", "digest", "bytes"))
        if what == "sealed":
            sealed.add(envelope)
        elif what == "sent":
            sent.append(line)
            if envelope not in sealed and lines[0]["line"] == 1:
                problems.append(f"line {line['line']}: an envelope left that was never sealed")
        elif what == "connected":
            connections[line["connection"]] = dict(line, sent=None)
        elif what == "closed":
            connections.get(line["connection"], {}).update(sent=line["sent"], proxy=line.get("proxy", 0))
            if line["envelopes"] + line["other"] + line["tls"] + line.get("proxy", 0) != line["sent"]:
                problems.append(f"line {line['line']}: the parts are not the sum")
    return sealed, sent, connections


def check_outbox(folder, digests):
    for path in sorted(pathlib.Path(folder, "sealed").glob("*.batch")):
        data = path.read_bytes()
        words = struct.unpack_from("<I", data, 4)[0]
        if hashlib.sha256(data[20 + 8 * words:]).hexdigest() not in digests:
            problems.append(f"{path.name} waits in the outbox and is not in the ledger")


def packets_of(path):
    """Source, destination, sequence number, flags and payload of every TCP segment of a pcap file."""
    data = pathlib.Path(path).read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    skip = {0: 4, 1: 14, 101: 0, 113: 16, 276: 20}.get(struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF)
    if skip is None or data[:4] == b"\x0a\x0d\x0d\x0a":
        sys.exit("this kind of capture is not read: write one with tcpdump -w")
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        packet, at = data[at + 16 + skip: at + 16 + length], at + 16 + length
        if packet[:1] and packet[0] >> 4 == 4 and packet[9] == 6:
            start, end = (packet[0] & 15) * 4, struct.unpack_from(">H", packet, 2)[0]
            source, target = packet[12:16], packet[16:20]
        elif packet[:1] and packet[0] >> 4 == 6 and packet[6] == 6:
            start, end = 40, 40 + struct.unpack_from(">H", packet, 4)[0]
            source, target = packet[8:24], packet[24:40]
        else:
            continue
        ports, (sequence,) = struct.unpack_from(">HH", packet, start), struct.unpack_from(">I", packet, start + 4)
        payload = packet[start + (packet[start + 12] >> 4) * 4: end]
        addresses = map(ipaddress.ip_address, (source, target))
        ends = [f"[{a}]:{p}" if a.version == 6 else f"{a}:{p}" for a, p in zip(addresses, ports)]
        yield *ends, sequence, packet[start + 13], payload


def streams_of(path, targets):
    """By connection to one of the targets, in order: the bytes from this end, and whether it was ended in order."""
    streams = collections.defaultdict(list)
    for source, target, sequence, flags, payload in packets_of(path):
        if target not in targets:
            continue
        known = streams[(source, target)]
        if flags & 2 and (not known or known[-1]["begin"] != (sequence + 1) & 0xFFFFFFFF):
            known.append({"begin": (sequence + 1) & 0xFFFFFFFF, "bytes": {}, "ended": False})
        if known:
            known[-1]["ended"] |= bool(flags & 1)
            offset = (sequence - known[-1]["begin"]) & 0xFFFFFFFF
            known[-1]["bytes"].update(enumerate(payload, offset) if payload else ())
    return streams


def check_capture(path, connections):
    total, streams = 0, streams_of(path, {c["to"] for c in connections.values()})
    for number, connection in sorted(connections.items()):
        known = streams.get((connection["from"], connection["to"]))
        stream = known.pop(0) if known else {"bytes": {}, "ended": True}
        data = bytes(byte for _, byte in sorted(stream["bytes"].items()))
        total += len(data)
        if connection["sent"] is None:
            print(f"connection {number} was cut off: {len(data)} bytes in the capture, none entered")
        elif len(data) != connection["sent"] and (stream["ended"] or len(data) > connection["sent"]):
            problems.append(f"connection {number}: {len(data)} bytes in the capture, {connection['sent']} in the ledger")
        at = connection.get("proxy", 0)  # what was said to a proxy stands before TLS
        while at + 5 <= len(data) and data[at] in (20, 21, 22, 23) and data[at + 1] == 3:
            at += 5 + struct.unpack_from(">H", data, at + 3)[0]
        if at != len(data) and stream["ended"] and connection["sent"] is not None:
            problems.append(f"connection {number}: {len(data) - at} bytes are not whole TLS records")
    for (source, target), rest in streams.items():
        problems.extend(f"a connection from {source} to {target} is not in the ledger" for s in rest if s["bytes"])
    entered = sum(connection["sent"] or 0 for connection in connections.values())
    print(f"capture: {total} bytes of TCP payload to the centre, {entered} in the ledger")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ledger")
    options = [parser.add_argument(option) for option in ("--outbox", "--pcap", "--head")] and parser.parse_args()
    lines, hashes = lines_of(options.ledger)
    sealed, sent, connections = books_of(lines)
    if options.outbox:
        check_outbox(options.outbox, {digest for _, _, digest, _ in sealed})
    if options.pcap:
        check_capture(options.pcap, connections)
    if options.head and options.head not in hashes.values():
        problems.append("the line that you noted is no longer there")
    print(f"{len(lines)} lines, {len(sent)} envelopes left with {sum(line['bytes'] for line in sent)} bytes, last hash "
          f"{hashes[max(hashes)] if hashes else 'none'}")
    print("\n".join("WRONG: " + problem for problem in problems) or "GOOD")
    sys.exit(bool(problems))


main()
