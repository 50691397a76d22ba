"""Check the bundle of one decision offline: what was decided, on which evidence, and that nothing was changed since.

    registry bundle gbpusd_m15_direction 12 --to decision-12.zip
    python check_bundle.py decision-12.zip --digest SHA256_OF_THE_ENTRY --promoter PUBLIC_KEY

Needs Python 3.11, numpy and no network. Exit status: 0 it holds, 1 refused, 2 wrong usage. Digests tie every entry to
the decision; --digest or public keys, known from elsewhere, tie the decision to who made it.
"""

import argparse
import hashlib
import io
import json
import sys
import zipfile
import zlib
from base64 import b64decode as decoded
from pathlib import Path

import numpy as np

UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, zipfile.BadZipFile, zlib.error)


def check(holds, fault):
    if not holds:
        raise ValueError(fault)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def parsed(members, name):
    check(name in members, f"{name} is missing")
    value = json.loads(members[name])
    check(isinstance(value, dict) and canonical(value) == members[name], f"{name} is not in canonical form: edited")
    return value


def members_of(data):
    """The members of the file by name, after the seal over all its bytes."""
    check(sha256(data[:-64]).encode() == data[-64:], "the file was changed: its last 64 bytes are not its SHA-256")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        check(len({*archive.namelist()}) == len(infos), "a member is there twice")
        check(sum(info.file_size for info in infos) < 1 << 31, "it would unpack to 2 GiB or more")
        return {info.filename: archive.read(info) for info in infos}


def chain(members, model, log, newest, oldest):
    """The entries of a log from the newest to the oldest by number, each named by the digest in the one after it."""
    entries, expected = {}, None
    for n in range(newest, oldest - 1, -1):
        name = f"{log}/{n}.json"
        entry = entries[n] = parsed(members, name)
        check(expected in (None, sha256(members[name])), f"{name} is not what entry {n + 1} was written after")
        check((entry["model"], entry["log"], entry["n"]) == (model, log, n), f"{name} is an entry of another place")
        expected = entry["previous"]
        check((expected is None) == (n == 1), f"{name} names a wrong entry before it")
    return entries


def check_decision(members, head, decision, versions):
    """The registered version is the one the decision is about, artifact and all; its record is the one it names."""
    champion, named = decision["state"].get("champion") or {}, decision["body"].get("version")
    version, entry = {}, versions.get(head["registered"])
    if entry is not None:
        check(entry["kind"] == "registered", "the version is registered by an entry of another kind")
        version = entry["body"]["version"]
        if champion.get("version") == version["version"]:
            same = all(version.get(name) == champion.get(name) for name in ("artifact", "sha256", "size", "cut"))
            check(same and champion["entry"] == entry["n"], "the champion's artifact is not the registered version's")
    check(version.get("version") == (named or champion.get("version")), "another version is registered than decided on")
    for name, place in (("record.json", decision["body"].get("record")), ("version.json", version.get("moved"))):
        expected = place["sha256"] if place and "key" in place else sha256(b"")
        check(expected == sha256(members.get(name, b"")), f"{name} is not what the decision names")


def check_evidence(members, head, decisions, versions):
    """The evidence is what the scored entry names, and holds scores of bars; which bars each stream was right on."""
    files, streams, scored, body = [], {}, head["scored"], decisions[head["decision"]]["body"]
    named = {log: n for log, n in (body.get("evidence") or scored).items() if n and log != "rescored"}
    check(named == scored, "the decision rests on other evidence")
    if scored:
        entry = versions[scored["entry"]] if "entry" in scored else decisions[scored["scored"]]
        check(entry["kind"] == "scored", "the evidence is named by an entry of another kind")
        index = entry["body"]["manifest"]
        files = index["backfill"] + [index[part][key] for part in ("months", "nights") for key in sorted(index[part])]
    names = [file.partition("-")[0] for file in files]
    check(names == head["evidence"], "the evidence is not what the scored entry names")
    check({*names} == {name for name in members if name.startswith("evidence/")}, "evidence is missing, or too much")
    for name in names:
        check("evidence/" + sha256(members[name]) == name, f"{name} is not what its name says")
        for sheet in parsed(members, name)["sheets"]:
            opens, label = np.frombuffer(decoded(sheet["opens"]), "<i8"), np.frombuffer(decoded(sheet["label"]), "<u1")
            in_order = opens.shape == label.shape and (np.diff(opens) > 0).all()
            check(in_order and (label <= 1).all(), f"{name}: bars out of order, or one without its label of 0 or 1")
            for series in sheet["series"]:
                p = np.frombuffer(decoded(series["p"]), "<f8")
                check(p.shape == opens.shape and not (np.abs(p - 0.5) > 0.5).any(), f"{name}: no scores")
                scored, right = ~np.isnan(p), (p > series["cut"]) == (label == 1)
                streams.setdefault(series["stream"], {}).update(zip(opens[scored].tolist(), right[scored], strict=True))
    return streams


def check_signatures(entries, roles):
    """Every entry, and the champion in every decision's state, is signed by a key that may."""
    for entry in entries:
        where, champion = f"entry {entry['n']} of {entry['log']}", entry["state"].get("champion")
        may = ("promoter", "trainer")[: 2 if entry["log"] == "versions" or entry["kind"] in ("held", "scored") else 1]
        signed = [(entry.pop("signature", None), entry, may)]
        if champion is not None:
            unsigned = {name: value for name, value in champion.items() if name != "signature"}
            signed.append((champion.get("signature"), {"model": entry["model"], "champion": unsigned}, ("promoter",)))
        for signature, content, may in signed:
            check(isinstance(signature, dict), f"{where} is not signed")
            key = next((key for key in roles if sha256(key)[:16] == signature["key"]), None)
            check(signature["role"] == roles.get(key) and signature["role"] in may, f"{where}: signed by another key")
            check(verified(key, canonical(content), decoded(signature["value"])), f"{where}: signature of other bytes")


# Ed25519 (RFC 8032, section 5.1); a point is (X, Y, Z, T) with x = X / Z, y = Y / Z and x y = T / Z
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    result = (0, 1, 1, 0)
    while number:
        result = add(result, point) if number & 1 else result
        point, number = add(point, point), number >> 1
    return result


def point_of(data):
    y = int.from_bytes(data, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P  # x², from the equation of the curve
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    check(len(data) == 32 and y < P and (x * x - square) % P == 0, "a key or signature is no point of the curve")
    x = P - x if x & 1 != data[31] >> 7 else x
    return x, y, 1, x * y % P


def verified(public, message, signature):
    s, first = int.from_bytes(signature[32:], "little"), signature[:32]
    h = int.from_bytes(hashlib.sha512(first + public + message).digest(), "little") % L
    base = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    a, b = times(s, base), add(point_of(first), times(h, point_of(public)))
    return s < L and (a[0] * b[2] - b[0] * a[2]) % P == 0 == (a[1] * b[2] - b[1] * a[2]) % P


def check_bundle(data, digest, roles):
    """The lines to print; ValueError for the first thing that does not hold."""
    head = parsed(members := members_of(data), "bundle.json")
    check(head["format"] == 2, f"a bundle of format {head['format']}: this script reads format 2")
    n, (oldest, newest) = head["decision"], head["versions"] or (1, 0)
    decisions = chain(members, head["model"], "decisions", n, 1)
    versions = chain(members, head["model"], "versions", newest, oldest)
    found = sha256(members[f"decisions/{n}.json"])
    check(found == head["decision_sha256"] == (digest or found), f"the decision's digest is {found}")
    check_decision(members, head, decisions[n], versions)
    streams = check_evidence(members, head, decisions, versions)
    expected = 1 + n + len(versions) + len({*head["evidence"]}) + len({"record.json", "version.json"} & {*members})
    check(len(members) == expected, "it holds members that nothing names")
    check_signatures([*decisions.values(), *versions.values()] if roles else [], roles)
    signed = "every signature is of a trusted key" if roles else "signatures were not checked: no public key was given"
    rates = [f"{key}: right on {np.mean([*bars.values()]):.2%} of {len(bars):,} bars" for key, bars in streams.items()]
    sentence = decisions[n]["body"].get("sentence", decisions[n]["kind"])
    return [f"decision {n} of {head['model']}: {sentence}", *rates, f"digest {found}", signed, "the bundle holds"]


def main():
    parser = argparse.ArgumentParser(description="Check the bundle of one decision offline.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--digest", help="SHA-256 of the decision's entry, known from elsewhere")
    for role in ("--promoter", "--trainer"):
        parser.add_argument(role, type=bytes.fromhex, action="append", default=[], help="public key, hexadecimal")
    options = parser.parse_args()
    roles = {**dict.fromkeys(options.trainer, "trainer"), **dict.fromkeys(options.promoter, "promoter")}
    try:
        sys.stdout.write("\n".join(check_bundle(options.file.read_bytes(), options.digest, roles)) + "\n")
    except UNREADABLE as error:
        sys.exit(f"refused: {error}")


if __name__ == "__main__":
    main()
