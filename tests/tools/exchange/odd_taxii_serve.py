"""A TAXII server over TLS whose collections each do something odd: odd_taxii_serve.py CERTIFICATE KEY READY_FILE"""
import http.server
import json
import os
import ssl
import sys
import urllib.parse

certificate, key, ready = sys.argv[1:]
ODD = ["repeats", "no-next", "no-places", "huge", "nonsense", "fails", "breaks-off", "deep", "elsewhere", "bad-object"]


def indicator(number):
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--00000000-0000-4000-8000-{number:012}",
        "created": "2026-05-01T12:00:00.000Z", "modified": "2026-05-01T12:00:00.000Z",
        "pattern": f"[domain-name:value = 'n{number}.example']", "pattern_type": "stix", "valid_from": "2026-05-01T12:00:00Z",
    }


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body, status=200, heads=(), length=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/taxii+json;version=2.1")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in heads:
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def do_GET(self):
        path = urllib.parse.urlparse(self.path)
        asked = dict(urllib.parse.parse_qsl(path.query))
        say = lambda value, heads=(): self.answer(json.dumps(value).encode(), heads=heads)
        if path.path == "/taxii2/":
            # No default, and the root is relative and without its last slash.
            return say({"title": "odd", "api_roots": ["/api"]})
        if path.path == "/api/":
            return say({"title": "odd", "versions": ["application/taxii+json;version=2.1"]})
        if path.path == "/api/collections/":
            return say({"collections": [7] + [{"id": name, "title": name, "can_read": True} for name in ODD]})
        name = path.path.split("/")[3]
        base = ODD.index(name) * 100
        page = int(asked.get("next", 0))
        if name == "repeats":
            return say({"more": True, "next": "1", "objects": [indicator(base)]})
        if name == "no-next":
            # Pages by time only, as many servers do.
            after = asked.get("added_after", "")
            page = next(number for number in range(4) if after < f"2026-05-01T12:00:0{number}.000000Z")
            place = f"2026-05-01T12:00:0{page}.000000Z"
            return say({"more": page < 3, "objects": [indicator(base + page)]}, [("X-TAXII-Date-Added-Last", place)])
        if name == "no-places":
            more = {"more": True, "next": str(page + 1)} if page < 3 else {}
            return say({**more, "objects": [indicator(base + page)]})
        if name == "huge":
            return self.answer(b'{"objects":[' + b" " * (33 * 1024 * 1024) + b"]}")
        if name == "nonsense":
            return self.answer(b"<html>log in first</html>")
        if name == "fails":
            return self.answer(b"{}", status=500)
        if name == "breaks-off":
            return self.answer(json.dumps({"objects": [indicator(base)]}).encode(), length=100_000)
        if name == "deep":
            return self.answer(b'{"objects":[' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"]}")
        if name == "elsewhere":
            return self.answer(b"", status=302, heads=[("Location", "https://localhost:1/")])
        odd = [None, [], {"type": "indicator"}, {**indicator(base + 1), "pattern": "["}, {**indicator(base + 2), "modified": "soon"}]
        return say({"objects": odd + [indicator(base)]})

    def log_message(self, *_):
        pass


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(ready + ".new", "w") as file:
    file.write(str(server.server_port))
os.rename(ready + ".new", ready)
server.serve_forever()
