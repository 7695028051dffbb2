"""Polls a collection to its end, again and again until told to stop, with a client of others; prints the ids in order of arrival.

taxii_poll.py CLIENT ROOT_CERTIFICATE DISCOVERY_URL USER PASSWORD COLLECTION_ALIAS STOP_FILE
"""
import json
import os
import sys

client, certificate, url, user, password, alias, stop = sys.argv[1:]
os.environ["REQUESTS_CA_BUNDLE"] = certificate
ids, pages, last = [], 0, None


def rounds():
    """Yields until the stop file was there before a round began: that round sees everything."""
    ends = False
    while not ends:
        ends = os.path.exists(stop)
        yield


if client == "taxii2-client":
    from taxii2client.v21 import Server, as_pages

    server = Server(url, user=user, password=password)
    collection = next(one for one in server.default.collections if one.alias == alias)
    for _ in rounds():
        asked = {"added_after": last} if last else {}
        for page in as_pages(collection.get_objects, per_request=500, **asked):
            pages += 1
            ids += [one["id"] for one in page.get("objects", [])]
        # The client hides the headers of pages; the manifest of what came last gives its place.
        if ids:
            manifest = collection.get_manifest(id=ids[-1])
            last = manifest["objects"][-1]["date_added"]
elif client == "cytaxii2":
    import requests
    from cytaxii2 import cytaxii2

    # The client keeps the head of an answer to itself.
    heads, plain = [], requests.get
    requests.get = lambda **asked: heads.append(plain(**asked)) or heads[-1]
    asking = cytaxii2.cytaxii2(discovery_url=url, username=user, password=password, version=2.1)
    found = asking.collection_request()["response"]["collections"]
    collection = next(one["id"] for one in found if one["alias"] == alias)
    for _ in rounds():
        following, reached = None, last
        while True:
            answer = asking.poll_request(collection_id=collection, added_after=last, limit=500, next=following)
            assert answer["status"], answer
            pages += 1
            body = answer["response"]
            ids += [one["id"] for one in body.get("objects", [])]
            reached = heads.pop().headers.get("X-TAXII-Date-Added-Last") or reached
            following = body.get("next")
            if not body.get("more"):
                last = reached
                break
else:
    sys.exit(f"no client {client}")
print(json.dumps({"ids": ids, "pages": pages}))
