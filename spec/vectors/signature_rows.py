"""Vectors of signatures, of their verification, and of tickets."""

import hashlib
import hmac

SECRET = "bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx"
OTHER = "bcs_0000000000000000000000000000000000000000000"
OWN = "correct-horse-battery-staple"
SESSION = "sess_01hz2v6yqefws8h3k5n7p9r1tv"
AGENT = "agt_01hz2v6yqdfqr9c2d4e6f8g0hj"
OTHER_AGENT = "agt_01m8369hhaegds77e4cqx39jdm"
NOW = 1717000000
WIRE = f'{{"sessionId":"{SESSION}","agentId":"{AGENT}","timestamp":{NOW}}}'
VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))


def mac(secret, message):
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def signatures():
    rows = [
        ("the body as it goes over the wire", SECRET, WIRE),
        ("the same body, a secret of the business's own", OWN, WIRE),
        ("the same body one second later", SECRET, WIRE.replace(str(NOW), str(NOW + 1))),
        ("a secret of 16 characters", "0123456789abcdef", WIRE),
        ("a secret that looks like hex is text all the same", "00112233445566778899aabbccddeeff", WIRE),
        ("a secret that looks like base64 is text all the same", "MDEyMzQ1Njc4OWFiY2RlZg==", WIRE),
        ("a secret of 64 characters, the block of SHA-256", "k" * 64, WIRE),
        ("a secret of 65 characters, hashed first by HMAC", "k" * 65, WIRE),
        ("a secret of 256 characters", "s" * 256, WIRE),
        ("a secret of every visible ASCII character", VISIBLE, WIRE),
        ("quotes and backslashes in the secret", '\\"\\"\\"\\"\\"\\"\\"\\"', WIRE),
        ("an empty body", SECRET, ""),
        ("a body that ends in a newline is another body", SECRET, WIRE + "\n"),
        ("a body with spaces, as a re-serialiser would make it", SECRET, WIRE.replace(":", ": ").replace(",", ", ")),
        ("a body with its members in another order", SECRET,
         f'{{"agentId":"{AGENT}","sessionId":"{SESSION}","timestamp":{NOW}}}'),
        ("a body with CR LF", SECRET, '{\r\n"a":1\r\n}'),
        ("a body outside ASCII", SECRET, '{"name":"Zoë 漢字 🦀"}'),
        ("the same letters in another normal form", SECRET, '{"name":"Zoe\u0308 漢字 🦀"}'),
        ("the same text escaped is another body", SECRET, '{"name":"Zo\\u00eb \\u6f22\\u5b57 \\ud83e\\udd80"}'),
        ("escaped slashes", SECRET, '{"url":"https:\\/\\/shop.example\\/"}'),
        ("a NUL in the body", SECRET, "a\u0000b"),
        ("a long body", SECRET, "0123456789" * 500),
    ]
    return {
        "about": "signature = lower-case hex HMAC-SHA256(key = the UTF-8 bytes of secret, message = the UTF-8 bytes of body).",
        "vectors": [
            {"name": name, "secret": secret, "body": body, "signature": mac(secret, body)}
            for name, secret, body in rows
        ],
    }


def good(name, secrets, signed_with, now=NOW, body=WIRE, timestamp=NOW, agent_id=None):
    return {
        "name": name,
        "secrets": secrets,
        "agentId": agent_id,
        "now": now,
        "body": body,
        "signature": mac(signed_with, body),
        "expect": {"sessionId": SESSION, "agentId": AGENT, "timestamp": timestamp},
    }


def bad(name, error, signature, secrets=(SECRET,), now=NOW, body=WIRE, agent_id=None):
    return {
        "name": name,
        "secrets": list(secrets),
        "agentId": agent_id,
        "now": now,
        "body": body,
        "signature": signature,
        "expect": {"error": error},
    }


def signed(name, error, body, now=NOW):
    """Rightly signed, and still refused for what it says."""
    return bad(name, error, mac(SECRET, body), now=now, body=body)


def verifications():
    right = mac(SECRET, WIRE)
    other_session = WIRE.replace(SESSION, "sess_01hz2v6yqefws8h3k5n7p9r1tw")
    vectors = [
        good("a right signature", [SECRET], SECRET),
        good("a right signature with the second of two secrets", [OTHER, SECRET], SECRET),
        good("a right signature with the first of two secrets", [SECRET, OTHER], SECRET),
        good("300 seconds old", [SECRET], SECRET, now=NOW + 300),
        good("300 seconds ahead", [SECRET], SECRET, now=NOW - 300),
        good("members that are not known are passed over", [SECRET], SECRET,
             body=WIRE[:-1] + ',"later":{"a":[1]}}'),
        good("the agent that this endpoint serves", [SECRET], SECRET, agent_id=AGENT),
        bad("another agent than this endpoint serves", "wrong_agent", right, agent_id=OTHER_AGENT),
        bad("an old request of another agent", "stale", right, now=NOW + 301, agent_id=OTHER_AGENT),
        bad("no header", "missing_header", None),
        bad("an empty header", "wrong_length", ""),
        bad("63 characters", "wrong_length", right[:-1]),
        bad("65 characters", "wrong_length", right + "0"),
        bad("base64", "wrong_length", "jOcsiYzCF1OYvcrEQ8jm2MqOr8DkOh4gThG3nzZSH/s="),
        bad("a prefix", "wrong_length", "sha256=" + right),
        bad("a space before it", "wrong_length", " " + right),
        bad("two signatures in one header", "wrong_length", right + ", " + right),
        bad("64 characters that are not hex", "not_hex", "g" * 64),
        bad("upper case", "not_hex", right.upper()),
        bad("one upper-case digit", "not_hex", "A" + right[1:]),
        bad("another secret", "no_match", mac(OTHER, WIRE)),
        bad("no secrets at all", "no_secret", right, secrets=[]),
        bad("an empty secret", "bad_secret", mac("", WIRE), secrets=[""]),
        bad("an empty secret beside a good one", "bad_secret", right, secrets=[SECRET, ""]),
        bad("a secret of 15 characters", "bad_secret", mac("0123456789abcde", WIRE), secrets=["0123456789abcde"]),
        bad("a secret of 257 characters", "bad_secret", mac("s" * 257, WIRE), secrets=["s" * 257]),
        bad("a secret with a newline from its file", "bad_secret", mac(SECRET + "\n", WIRE), secrets=[SECRET + "\n"]),
        bad("a bad secret outranks a missing header", "bad_secret", None, secrets=[""]),
        bad("the signature of another body", "no_match", mac(SECRET, other_session)),
        bad("the body changed", "no_match", right, body=other_session),
        bad("a newline after the body", "no_match", right, body=WIRE + "\n"),
        bad("the body serialised again", "no_match", right, body=WIRE.replace(":", ": ")),
        bad("the last digit changed", "no_match", right[:-1] + ("0" if right[-1] != "0" else "1")),
        bad("a ticket is no signature of a body", "no_match", mac(SECRET, "buddy-ticket-v1:" + SESSION)),
        bad("301 seconds old", "stale", right, now=NOW + 301),
        bad("301 seconds ahead", "stale", right, now=NOW - 301),
        signed("an empty body", "body_not_json", ""),
        signed("not JSON", "body_not_json", "sessionId=" + SESSION),
        signed("something after the object", "body_not_json", WIRE + "x"),
        signed("an array", "body_incomplete", f'["{SESSION}","{AGENT}",{NOW}]'),
        signed("no sessionId", "body_incomplete", f'{{"agentId":"{AGENT}","timestamp":{NOW}}}'),
        signed("no agentId", "body_incomplete", f'{{"sessionId":"{SESSION}","timestamp":{NOW}}}'),
        signed("no timestamp", "body_incomplete", f'{{"sessionId":"{SESSION}","agentId":"{AGENT}"}}'),
        signed("a timestamp in a string", "body_incomplete", WIRE.replace(str(NOW), f'"{NOW}"')),
        signed("a timestamp with a fraction", "body_incomplete", WIRE.replace(str(NOW), f"{NOW}.5")),
        signed("a timestamp in milliseconds", "stale", WIRE.replace(str(NOW), f"{NOW}000")),
        signed("a timestamp of 0", "stale", WIRE.replace(str(NOW), "0")),
        signed("a session id in upper case", "bad_session_id", WIRE.replace(SESSION, SESSION.upper())),
        signed("a session id one too short", "bad_session_id", WIRE.replace(SESSION, SESSION[:-1])),
        signed("a session id of another kind", "bad_session_id", WIRE.replace(SESSION, AGENT)),
    ]
    return {
        "about": "What a verifier must make of a request: the header X-Platform-Signature (null: not sent), the raw body, "
        "the secrets it holds, the agent it serves (null: any), and its clock in unix seconds. Checked in this order: the "
        "secrets' form, the header's form, the signature, the body's form, the session id, the time, the agent.",
        "toleranceSeconds": 300,
        "vectors": vectors,
    }


def tickets():
    rows = [
        ("a secret of Buddy's making", SECRET, SESSION),
        ("the same session, a secret of the business's own", OWN, SESSION),
        ("the same secret, another session", SECRET, "sess_01m8369hhaegds77e4cqx39jdm"),
        ("a secret of 16 characters", "0123456789abcdef", SESSION),
        ("a secret of 256 characters", "s" * 256, SESSION),
        ("a secret of every visible ASCII character", VISIBLE, SESSION),
    ]
    refused = [
        "",
        "sess_",
        SESSION[:-1],
        SESSION + "0",
        SESSION.upper(),
        "SESS_" + SESSION[5:],
        " " + SESSION,
        SESSION + "\n",
        SESSION[:-1] + "-",
        SESSION[:-1] + "_",
        SESSION[:-1] + "é",
        SESSION[:-2] + "é",
        SESSION[:-1] + "\u0661",
        AGENT,
        SESSION[5:],
        "buddy-ticket-v1:" + SESSION,
        SESSION + "\u0000",
    ]
    return {
        "about": 'ticket = lower-case hex HMAC-SHA256(secret, "buddy-ticket-v1:" + sessionId). '
        "refusedSessionIds do not match ^sess_[0-9a-z]{26}$ and are refused before anything is signed.",
        "vectors": [
            {
                "name": name,
                "secret": secret,
                "sessionId": session_id,
                "ticket": mac(secret, "buddy-ticket-v1:" + session_id),
            }
            for name, secret, session_id in rows
        ],
        "refusedSessionIds": refused,
    }
