"""Makes a MISP feed with PyMISP and serves it over TLS to `user` with `secret`: misp_feed_serve.py CERTIFICATE KEY FOLDER READY_FILE"""
import base64
import functools
import http.server
import json
import os
import ssl
import sys

from pymisp import MISPEvent, MISPOrganisation

certificate, key, folder, ready = sys.argv[1:]
os.makedirs(folder)
team = MISPOrganisation()
team.from_dict(name="CIRT of Neighbour", uuid="11111111-2222-4333-8444-555555555555")
manifest, hashes = {}, []
for number, (label, attributes) in enumerate([
    ("tlp:green", [("domain", "c2-0.example"), ("ip-dst", "198.51.100.77"), ("url", "http://c2-0.example/gate.php")]),
    ("tlp:amber", [("hostname", "mail.c2-1.example"), ("ja3-fingerprint-md5", "e7d705a3286e19ea42f587b344ee6865")]),
    ("tlp:red", [("domain", "secret.example")]),
]):
    event = MISPEvent()
    event.from_dict(info=f"botnet {number}", distribution=3, threat_level_id=1, analysis=2, date="2026-11-30")
    event.Orgc = team
    event.add_tag(label)
    for kind, value in attributes:
        event.add_attribute(kind, value, to_ids=True)
    event.add_attribute("comment", "what an analyst thought", to_ids=False)
    event.publish()
    made = event.to_feed(with_meta=True)
    hashes += [f"{digest},{event.uuid}" for digest in made["Event"].pop("_hashes")]
    manifest.update(made["Event"].pop("_manifest"))
    with open(os.path.join(folder, f"{event.uuid}.json"), "w") as file:
        json.dump(made, file)
with open(os.path.join(folder, "hashes.csv"), "w") as file:
    file.write("\n".join(hashes) + "\n")
with open(os.path.join(folder, "manifest.json"), "w") as file:
    json.dump(manifest, file)

wanted = "Basic " + base64.b64encode(b"user:secret").decode()


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("Authorization") == wanted:
            return super().do_GET()
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(ready + ".new", "w") as file:
    file.write(str(server.server_port))
os.rename(ready + ".new", ready)
server.serve_forever()
