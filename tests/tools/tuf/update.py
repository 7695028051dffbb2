"""Update from a repository with the reference client: update.py REPOSITORY CLIENT_FOLDER TARGET

The repository is served on the loopback address, as over the network. The client begins with metadata/1.root.json the first
time and keeps what it believes in CLIENT_FOLDER. Prints one line of JSON: versions and the path of the target, or the name of
the exception that refused it (exit status 1).
"""

import functools
import http.server
import json
import pathlib
import sys
import threading

from tuf.ngclient import Updater


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def main():
    repository, client, name = map(pathlib.Path, sys.argv[1:4])
    handler = functools.partial(Quiet, directory=repository)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    metadata, targets = client / "metadata", client / "targets"
    first = None if metadata.exists() else (repository / "metadata/1.root.json").read_bytes()
    metadata.mkdir(parents=True, exist_ok=True)
    targets.mkdir(exist_ok=True)
    try:
        updater = Updater(
            str(metadata), f"{address}/metadata/", str(targets), f"{address}/targets/", bootstrap=first
        )
        updater.refresh()
        found = updater.get_targetinfo(str(name))
        path = found and updater.download_target(found)
    except Exception as refusal:  # whatever it is: its name is the result
        print(json.dumps({"refused": type(refusal).__name__, "why": str(refusal)}))
        sys.exit(1)
    trusted = updater._trusted_set
    roles = ["root", "timestamp", "snapshot", "targets"]
    print(json.dumps({"path": path} | {role: trusted[role].version for role in roles}))


main()
