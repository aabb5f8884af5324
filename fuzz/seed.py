#!/usr/bin/env python3
"""Adds to `corpus/<target>` some of what the vectors in ../spec/vectors spell, and URLs at the edge of each rule.

What fuzzers found lies beside these seeds, under names of the same kind: see ../CONTRIBUTING.md.
"""

import hashlib
import json
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "spec" / "vectors"
# A longer seed slows every run, and says no more.
SEED_BYTES_MAX = 2048
# Vectors of which the same is expected differ little: some of them will do to begin with.
OF_A_KIND_MAX = 12


def rows(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))["vectors"]


def body(parts):
    def part(each):
        piece = bytes.fromhex(each["hex"]) if "hex" in each else each["text"].encode()
        return piece * each.get("times", 1)

    return b"".join(part(each) for each in parts)


def some_of_each_kind(vectors, kind):
    seen = Counter()
    for vector in vectors:
        seen[kind(vector)] += 1
        if seen[kind(vector)] <= OF_A_KIND_MAX:
            yield vector


def answers():
    def kind(row):
        expect = row["expect"]
        return (expect.get("reason"), *expect.get("warnings", []), *expect.keys())

    # Only the body is fuzzed: the other statuses look at none.
    for row in some_of_each_kind((row for row in rows("answer.json") if row["status"] == 200), kind):
        yield body(row["body"])


def signature_headers():
    """The clock, the header, the secrets, the body: once as they are, once with the right header whatever comes."""
    for row in rows("verify.json"):
        secrets = " ".join(row["secrets"])
        header = "-" if row["signature"] is None else row["signature"]
        for each in (header, "=0"):
            yield f"{row['now']}\n{each}\n{secrets}\n{row['body']}".encode()


def targets():
    """Addresses in the spellings that parsers have been fooled with, and URLs at the edge of each rule."""
    for row in some_of_each_kind(rows("address.json"), lambda row: (row["class"], ":" in row["address"])):
        address = row["address"]
        yield f"https://[{address}]/".encode() if ":" in address else f"https://{address}/".encode()
    a, b, c, d = 127, 0, 0, 1
    number = a << 24 | b << 16 | c << 8 | d
    for host in (f"{number}", f"{number:#x}", f"0{number:o}", f"{a}.{d}", f"{a:#x}.{b}.{d:#x}", f"0{a:o}.{b}.{c}.{d}."):
        yield f"https://{host}:8443/a?b=c".encode()
    yield from (
        b"https://shop.example/buddy/identity",
        b"HTTPS://Shop.Example.:443/a/../b/%2e%2e/c?d=%7b|}",
        b"https://a.example:80/?a@b",
        b"https://user:word@a.example/",
        b"https://a%2eexample/",
        b"https://a.example/#top",
        b"https://a.example\\@b.example/",
        b"https:/a.example/",
        b"http://10.1.2.3:3000/cb",
        b"https://shop.default.svc/",
        b"https://xn--bcher-kva.example/",
        b"https://[fe80::1%25eth0]/",
        b"https://a.b.0x7f/",
        b"ftp://a.example/",
        b"https://a.example/" + b"{" * 700,
    )


def tickets():
    for row in rows("ticket.json"):
        for ticket in (row["ticket"], row["ticket"].upper(), "="):
            yield f"{row['sessionId']}\n{row['secret']}\n{ticket}".encode()
    document = json.loads((VECTORS / "ticket.json").read_text(encoding="utf-8"))
    for session_id in document["refusedSessionIds"]:
        yield f"{session_id}\n0123456789abcdef\n{'0' * 64}".encode()


MAKERS = {"answer": answers, "signature_header": signature_headers, "target": targets, "ticket": tickets}


def main():
    for target, make in MAKERS.items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for seed in make():
            if len(seed) <= SEED_BYTES_MAX:
                # libFuzzer's own way to name a file, so that none is there twice.
                (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


main()
