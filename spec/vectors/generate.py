#!/usr/bin/env python3
"""Writes the test vectors beside this file; with --check, only says whether they are what it would write.

Expectations are stated by hand in the *_rows.py files and follow spec/callback.md. The hashes are computed here,
with Python's standard library, so that no program under test is the judge of itself.
"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import address_rows
import answer_rows
import endpoint_rows
import signature_rows

FILES = {
    "signature.json": signature_rows.signatures,
    "verify.json": signature_rows.verifications,
    "ticket.json": signature_rows.tickets,
    "answer.json": answer_rows.answers,
    "address.json": address_rows.addresses,
    "identity_endpoint.json": endpoint_rows.identity_endpoints,
    "session_endpoint.json": endpoint_rows.session_endpoints,
}


def render(document):
    """One line per vector: a changed vector is a changed line."""
    members = []
    for name, value in document.items():
        if isinstance(value, list):
            rows = ",\n".join("    " + json.dumps(row, ensure_ascii=True) for row in value)
            members.append(f'  {json.dumps(name)}: [\n{rows}\n  ]')
        else:
            members.append(f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=True)}")
    return "{\n" + ",\n".join(members) + "\n}\n"


def assert_names_differ(file, document):
    for member, rows in document.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            names = [row["name"] for row in rows]
            doubles = sorted({name for name in names if names.count(name) > 1})
            if doubles:
                sys.exit(f"{file}: {member}: names used twice: {doubles}")


def assert_page_agrees(page):
    """The worked examples of the page that people read are vectors too."""
    request = signature_rows.signatures()["vectors"][0]
    ticket = signature_rows.tickets()["vectors"][0]
    shown = [request["secret"], request["body"], request["signature"], ticket["sessionId"], ticket["ticket"]]
    missing = [text for text in shown if text not in page.read_text(encoding="utf-8")]
    if missing:
        sys.exit(f"{page.name} does not show: {missing}")


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit("usage: generate.py [--check]")
    here = Path(__file__).resolve().parent
    stale = []
    for file, make in FILES.items():
        document = make()
        assert_names_differ(file, document)
        text = render(document)
        path = here / file
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(file)
        if not arguments:
            path.write_text(text, encoding="utf-8")
    if arguments and stale:
        sys.exit(f"not as generated: {', '.join(stale)}; run spec/vectors/generate.py")
    assert_page_agrees(here.parent / "callback.md")
    print("all as generated" if not stale else f"written: {', '.join(stale)}")


if __name__ == "__main__":
    main(sys.argv[1:])
