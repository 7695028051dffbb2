"""Make a repository with the reference implementation's metadata API: make.py STEP FOLDER PACK

Steps build on each other, in FOLDER (with the keys in FOLDER/keys):

first    root of three keys (two must sign), a foreign key type among the timestamp's, members that nobody knows, texts that
         are hard to write in one way, a delegation; PACK as target rules.pack
next     PACK as the next version
rotate   the next root: all keys of root, timestamp and snapshot replaced
expired  a timestamp that ended an hour ago
flat     as first, without consistent snapshots
"""

import pathlib
import sys
from datetime import datetime, timedelta, timezone

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

HARD_TEXT = 'é "quoted" back\\slash tab\t line\n bell\x07 bird \U0001f426 /'
STEP, FOLDER, PACK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])


def in_days(days):
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=days)


def signer(name, make=CryptoSigner.generate_ed25519):
    path = FOLDER / "keys" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make().private_bytes)
    return CryptoSigner(load(path.read_bytes()))


def load(pem):
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, None)


def write(name, metadata, *signers):
    for one in signers:
        metadata.sign(one, append=True)
    path = FOLDER / "metadata" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata.to_file(str(path), JSONSerializer(compact=len(signers) % 2 == 0))
    return path.read_bytes()


def target(name, data, consistent, notes):
    file = TargetFile.from_data(name, data, ["sha256", "sha512"])
    file.unrecognized_fields["custom"] = notes
    folder = FOLDER / "targets" / pathlib.Path(name).parent
    folder.mkdir(parents=True, exist_ok=True)
    prefixes = [f"{hash}." for hash in file.hashes.values()] if consistent else [""]
    for prefix in prefixes:
        (folder / (prefix + pathlib.Path(name).name)).write_bytes(data)
    return file


def publish(version, consistent, suffix=""):
    prefix = f"{version}." if consistent else ""
    region = Targets(version=version, expires=in_days(30))
    region.targets["north/x"] = target("north/x", b"north", consistent, {})
    region = Metadata(region)
    region_bytes = write(f"{prefix}north.json", region, signer("north"))
    targets = Targets(version=version, expires=in_days(30))
    notes = {"text": HARD_TEXT, "numbers": [0, -1, 2**62], "nothing": None, "yes": True}
    targets.targets["rules.pack"] = target("rules.pack", PACK.read_bytes(), consistent, notes)
    key = signer("north").public_key
    role = DelegatedRole("north", [key.keyid], 1, terminating=False, paths=["north/*"])
    targets.delegations = Delegations({key.keyid: key}, {"north": role})
    targets_bytes = write(f"{prefix}targets.json", Metadata(targets), signer("targets"))
    snapshot = Snapshot(version=version, expires=in_days(30))
    snapshot.meta["targets.json"] = MetaFile.from_data(version, targets_bytes, ["sha512"])
    snapshot.meta["north.json"] = MetaFile(version)
    snapshot_bytes = write(f"{prefix}snapshot.json", Metadata(snapshot), signer("snapshot" + suffix))
    timestamp = Timestamp(version=version, expires=in_days(7))
    timestamp.snapshot_meta = MetaFile.from_data(version, snapshot_bytes, ["sha256"])
    timestamp.unrecognized_fields["x-text"] = HARD_TEXT
    write("timestamp.json", Metadata(timestamp), signer("timestamp" + suffix), signer("ecdsa", CryptoSigner.generate_ecdsa))


def root(version, suffix="", consistent=True):
    made = Root(version=version, expires=in_days(60), consistent_snapshot=consistent)
    made.roles["root"].threshold = 2
    for name in "abc":
        made.add_key(signer(f"root-{name}{suffix}").public_key, "root")
    made.add_key(signer("timestamp" + suffix).public_key, "timestamp")
    made.add_key(signer("ecdsa", CryptoSigner.generate_ecdsa).public_key, "timestamp")
    made.add_key(signer("snapshot" + suffix).public_key, "snapshot")
    made.add_key(signer("targets").public_key, "targets")
    made.unrecognized_fields["x-text"] = HARD_TEXT
    return made


def newest():
    return Metadata[Timestamp].from_file(str(FOLDER / "metadata/timestamp.json"))


if STEP in ("first", "flat"):
    made = root(1, consistent=STEP == "first")
    write("1.root.json", Metadata(made), signer("root-a"), signer("root-c"))
    publish(1, made.consistent_snapshot)
elif STEP == "next":
    publish(newest().signed.version + 1, True)
elif STEP == "rotate":
    olds = [signer("root-a"), signer("root-b")]
    write("2.root.json", Metadata(root(2, "-2")), *olds, signer("root-a-2"), signer("root-b-2"))
    publish(newest().signed.version + 1, True, "-2")
elif STEP == "expired":
    late = newest()
    late.signed.version += 1
    late.signed.expires = in_days(0) - timedelta(hours=1)
    late.signatures.clear()
    write("timestamp.json", late, signer("timestamp"))
else:
    sys.exit(f"no step {STEP}")
