"""Serves the objects of a file with medallion, its store in memory, over TLS.

medallion_serve.py CERTIFICATE KEY OBJECTS READY_FILE; a name and a password are `user` and `secret`.
"""
import json
import os
import sys

from medallion import application_instance, register_blueprints, set_config
from werkzeug.serving import make_server

certificate, key, objects, ready = sys.argv[1:]
with open(objects) as file:
    objects = json.load(file)
root, collection = "lapwing-test", "64993447-4d7e-4f70-b94d-d7f33742ee63"
manifest = [
    {
        # Many share a time: a whole push has one.
        "date_added": f"2026-05-01T12:{number // 100 // 60:02}:{number // 100 % 60:02}.000000Z",
        "id": one["id"],
        "media_type": "application/stix+json;version=2.1",
        "version": one["modified"],
    }
    for number, one in enumerate(objects)
]
data = {
    "/discovery": {"title": "test", "default": f"/{root}/", "api_roots": [f"/{root}/"]},
    root: {
        "information": {"title": "test", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 9765625},
        "status": [],
        "collections": [{
            "id": collection, "title": "everything", "can_read": True, "can_write": True,
            "media_types": ["application/stix+json;version=2.1"], "manifest": manifest, "objects": objects,
        }],
    },
}
with open(ready + ".data", "w") as file:
    json.dump(data, file)
configuration = {
    "users": {"user": "secret"},
    "taxii": {"max_page_size": 100},
    "backend": {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": ready + ".data"},
}
for part in configuration:
    set_config(application_instance, part, configuration)
register_blueprints(application_instance)
server = make_server("127.0.0.1", 0, application_instance, ssl_context=(certificate, key))
with open(ready + ".new", "w") as file:
    file.write(str(server.port))
os.rename(ready + ".new", ready)
server.serve_forever()
