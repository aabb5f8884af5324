"""Vectors of the two handlers that a business serves: the identity endpoint and the session endpoint."""

import json

from signature_rows import AGENT, NOW, OTHER, OTHER_AGENT, SECRET, SESSION, WIRE, mac

BODY_BYTES_MAX = 16 * 1024
ADA = {"userId": "1815", "email": "ada@shop.example", "role": "customer", "customAttributes": {"plan": "gold", "orders": [36, 1]}}


def asked(name, expect, user=None, secrets=(SECRET,), agent_id=None, method="POST", body=WIRE, signature="right",
          content_type="application/json"):
    headers = {"Content-Type": content_type} if content_type else {}
    if signature is not None:
        headers["X-Platform-Signature"] = mac(SECRET, body) if signature == "right" else signature
    return {
        "name": name,
        "secrets": list(secrets),
        "agentId": agent_id,
        "user": user,
        "method": method,
        "headers": headers,
        "body": body,
        "expect": expect,
    }


def refused(status, error):
    return {"status": status, "error": error}


def identity_endpoints():
    found = {"status": 200, "json": ADA}
    rows = [
        asked("the user", found, ADA),
        asked("a user of whom nothing but the id is known", {"status": 200, "json": {"userId": "42"}}, {"userId": "42"}),
        asked("nobody is signed in", {"status": 204}),
        asked("the second of two secrets signed it", found, ADA, secrets=[OTHER, SECRET]),
        asked("the agent that this endpoint serves", found, ADA, agent_id=AGENT),
        asked("any content type", found, ADA, content_type="text/plain"),
        asked("no content type", found, ADA, content_type=None),
        asked("another agent", refused(401, "wrong_agent"), ADA, agent_id=OTHER_AGENT),
        asked("no signature", refused(401, "missing_header"), ADA, signature=None),
        asked("a signature of another secret", refused(401, "no_match"), ADA, signature=mac(OTHER, WIRE)),
        asked("a signature in upper case", refused(401, "not_hex"), ADA, signature=mac(SECRET, WIRE).upper()),
        asked("a signature with a prefix", refused(401, "wrong_length"), ADA, signature="sha256=" + mac(SECRET, WIRE)),
        asked("the signature of another body", refused(401, "no_match"), ADA, signature=mac(SECRET, WIRE + " ")),
        asked("an old request", refused(401, "stale"), ADA, body=WIRE.replace(str(NOW), str(NOW - 301))),
        asked("an odd session id", refused(401, "bad_session_id"), ADA, body=WIRE.replace(SESSION, "sess_../../etc/passwd")),
        asked("another method", refused(405, "method_not_allowed"), ADA, method="PUT"),
        asked("a body over 16 KiB", refused(413, "too_large"), ADA, body=WIRE + " " * (BODY_BYTES_MAX - len(WIRE) + 1)),
        asked("a body of 16 KiB", found, ADA, body=WIRE + " " * (BODY_BYTES_MAX - len(WIRE))),
    ]
    return {
        "about": "What an identity endpoint answers, its clock at `now`. `user`: what the business's look-up of the session gives; "
        "null: nobody. `agentId`: the agent the endpoint is told it serves; null: any. An answer with `error` is a JSON object with "
        "that member. Every answer has Cache-Control: no-store.",
        "now": NOW,
        "bodyBytesMax": BODY_BYTES_MAX,
        "vectors": rows,
    }


def bound(name, expect, signed_in="ada", bound_to=None, agent_id=None, method="POST", body=None, **headers):
    if body is None:
        body = {"sessionId": SESSION, "agentId": AGENT}
    sent = {"Host": "shop.example", "Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    for header, value in headers.items():
        header = {"site": "Sec-Fetch-Site", "content_type": "Content-Type", "origin": "Origin", "host": "Host"}[header]
        if value is None:
            sent.pop(header, None)
        else:
            sent[header] = value
    return {
        "name": name,
        "agentId": agent_id,
        "signedIn": signed_in,
        "boundTo": bound_to,
        "method": method,
        "headers": sent,
        "body": body if isinstance(body, str) else json.dumps(body, separators=(",", ":")),
        "expect": expect,
    }


def session_endpoints():
    ticket = mac(SECRET, "buddy-ticket-v1:" + SESSION)
    given = {"status": 200, "ticket": ticket, "boundTo": "ada"}
    nobody = {"status": 204, "boundTo": None}

    def no(status, error, bound_to=None):
        return {"status": status, "error": error, "boundTo": bound_to}

    def body(**members):
        return {"sessionId": SESSION, "agentId": AGENT, **members}

    padding = BODY_BYTES_MAX - len(json.dumps(body(), separators=(",", ":")))
    rows = [
        bound("the first to bind it", given),
        bound("the same user again", given, bound_to="ada"),
        bound("another user has it: no ticket, or whoever lured that user would be taken for them", no(409, "session_taken", "grace"), bound_to="grace"),
        bound("nobody is signed in", nobody, signed_in=None),
        bound("nobody is signed in, and another has it", {"status": 204, "boundTo": "grace"}, signed_in=None, bound_to="grace"),
        bound("the agent that this endpoint serves", given, agent_id=AGENT),
        bound("members that are not known are passed over", given, body=body(later={"a": [1]})),
        bound("a content type with a parameter", given, content_type="application/json; charset=utf-8"),
        bound("a content type in other letters", given, content_type="Application/JSON"),
        bound("a body of 16 KiB", given, body=json.dumps(body(), separators=(",", ":")) + " " * padding),
        bound("a browser that says only the origin", given, site=None, origin="https://shop.example"),
        bound("an origin with its port", given, site=None, origin="https://shop.example:8443", host="shop.example:8443"),
        bound("plain HTTP behind a proxy that ends TLS", given, site=None, origin="http://shop.example"),
        bound("neither header, as from no browser of today", given, site=None),
        bound("a proxy that changed Host, and a browser that says same-origin", given, origin="https://shop.example", host="10.0.0.7:8080"),
        bound("another method", no(405, "method_not_allowed"), method="PUT"),
        bound("another site's page", no(403, "cross_site"), site="cross-site"),
        bound("another site's page, with no Sec-Fetch-Site", no(403, "cross_site"), site=None, origin="https://evil.example"),
        bound("a sibling domain's page", no(403, "cross_site"), site="same-site", origin="https://blog.shop.example"),
        bound("a navigation", no(403, "cross_site"), site="none"),
        bound("a sandboxed page", no(403, "cross_site"), site=None, origin="null"),
        bound("another port's page", no(403, "cross_site"), site=None, origin="https://shop.example:8443"),
        bound("an origin that begins as ours", no(403, "cross_site"), site=None, origin="https://shop.example.evil.example"),
        bound("another site outranks a wrong content type", no(403, "cross_site"), site="cross-site", content_type="text/plain"),
        bound("plain text, which needs no preflight", no(415, "unsupported_media_type"), content_type="text/plain"),
        bound("a form", no(415, "unsupported_media_type"), content_type="application/x-www-form-urlencoded"),
        bound("no content type", no(415, "unsupported_media_type"), content_type=None),
        bound("a content type that begins alike", no(415, "unsupported_media_type"), content_type="application/json5"),
        bound("JSON in a parameter only", no(415, "unsupported_media_type"), content_type="text/plain; a=application/json"),
        bound("a body over 16 KiB", no(413, "too_large"), body=json.dumps(body(), separators=(",", ":")) + " " * (padding + 1)),
        bound("an empty body", no(400, "body_not_json"), body=""),
        bound("not JSON", no(400, "body_not_json"), body="sessionId=" + SESSION),
        bound("an array", no(400, "body_incomplete"), body=json.dumps([SESSION, AGENT])),
        bound("null", no(400, "body_incomplete"), body="null"),
        bound("no sessionId", no(400, "body_incomplete"), body={"agentId": AGENT}),
        bound("a sessionId that is no text", no(400, "body_incomplete"), body=body(sessionId=1)),
        bound("no agentId", no(400, "body_incomplete"), body={"sessionId": SESSION}),
        bound("an agentId that is no text", no(400, "body_incomplete"), body=body(agentId=None)),
        bound("a session id in upper case", no(400, "bad_session_id"), body=body(sessionId=SESSION.upper())),
        bound("a session id and a line end", no(400, "bad_session_id"), body=body(sessionId=SESSION + "\n")),
        bound("a session id of another kind", no(400, "bad_session_id"), body=body(sessionId=AGENT)),
        bound("a session id with another digit", no(400, "bad_session_id"), body=body(sessionId=SESSION[:-1] + "\u0661")),
        bound("another agent", no(400, "wrong_agent"), agent_id=OTHER_AGENT),
        bound("an odd session id is refused to a stranger too", no(400, "bad_session_id"), signed_in=None, body=body(sessionId="x")),
    ]
    return {
        "about": "What a session endpoint with `secret` answers. `signedIn`: who the business's own cookie says the user is; null: nobody. "
        "`boundTo`: whose the session is before, and in `expect` after. `agentId`: the agent the endpoint is told it serves; null: any. "
        "Checked in this order: method, site, content type, size, JSON, members, session id, agent, user. An answer with `error` is a "
        "JSON object with that member. Every answer has Cache-Control: no-store, and none has a CORS header.",
        "secret": SECRET,
        "sessionId": SESSION,
        "bodyBytesMax": BODY_BYTES_MAX,
        "bindingSeconds": 600,
        "vectors": rows,
    }
