"""`verify` and `ticket`: the vectors, and what Python in particular could get wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
import pickle
import time
from typing import Any

import pytest
import vectors

from buddy_verify import TOLERANCE_SECONDS, Callback, VerifyError, ticket, verify

SIGNATURES = vectors.rows("signature")
REQUESTS = vectors.rows("verify")
TICKETS = vectors.read("ticket")
OTHER_SECRET = "another-secret-00"


def sign(body: bytes, secret: str = vectors.SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def code_of(*args: Any, **options: Any) -> str:
    with pytest.raises(VerifyError) as caught:
        verify(*args, **options)
    return caught.value.code


def outcome(body: bytes, signature: str, secret: str) -> str:
    """A code, or nothing if the request is taken. Many published bodies are rightly signed and no callbacks."""
    try:
        verify(body, signature, [secret], vectors.NOW)
    except VerifyError as error:
        return error.code
    return ""


def code_of_body(body: bytes) -> str:
    return code_of(body, sign(body), vectors.SECRET, vectors.NOW)


@pytest.mark.parametrize("row", SIGNATURES, ids=vectors.name_of)
def test_a_published_signature_matches_and_with_no_other_secret(row: dict[str, str]) -> None:
    body = row["body"].encode()
    assert outcome(body, row["signature"], row["secret"]) != "no_match"
    assert outcome(body, row["signature"], OTHER_SECRET) == "no_match"


@pytest.mark.parametrize("row", REQUESTS, ids=vectors.name_of)
def test_a_request_is_taken_or_refused_as_the_vector_says(row: dict[str, Any]) -> None:
    asked = (row["body"].encode(), row["signature"], row["secrets"], row["now"])
    expect = row["expect"]
    if "error" in expect:
        assert code_of(*asked, agent_id=row["agentId"]) == expect["error"]
    else:
        callback = verify(*asked, agent_id=row["agentId"])
        assert callback == Callback(expect["sessionId"], expect["agentId"], expect["timestamp"])


def test_the_tolerance_is_the_vectors() -> None:
    assert vectors.read("verify")["toleranceSeconds"] == TOLERANCE_SECONDS


@pytest.mark.parametrize("row", TICKETS["vectors"], ids=vectors.name_of)
def test_a_ticket_is_the_vectors(row: dict[str, str]) -> None:
    assert ticket(row["secret"], row["sessionId"]) == row["ticket"]


@pytest.mark.parametrize("session_id", TICKETS["refusedSessionIds"])
def test_nothing_but_a_session_id_is_signed(session_id: str) -> None:
    with pytest.raises(VerifyError) as caught:
        ticket(vectors.SECRET, session_id)
    assert caught.value.code == "bad_session_id"


def test_enough_session_ids_are_refused() -> None:
    assert len(TICKETS["refusedSessionIds"]) >= 17


@pytest.mark.parametrize("secret", ["", "short", " " * 20, "sixteen-letters\n", "é" * 20, None])
def test_no_ticket_is_made_with_what_cannot_be_a_secret(secret: Any) -> None:
    with pytest.raises(VerifyError) as caught:
        ticket(secret, vectors.SESSION)
    assert caught.value.code == "bad_secret"


def test_one_secret_needs_no_list_and_its_characters_are_no_secrets() -> None:
    body = vectors.BODY
    assert verify(body, sign(body), vectors.SECRET, vectors.NOW).session_id == vectors.SESSION
    assert code_of(body, sign(body, vectors.SECRET[0]), vectors.SECRET, vectors.NOW) == "no_match"
    assert code_of(body, sign(body), "", vectors.NOW) == "bad_secret"


@pytest.mark.parametrize(
    ("secrets", "code"),
    [
        (None, "no_secret"),
        ((), "no_secret"),
        ([None], "bad_secret"),
        ([vectors.SECRET, None], "bad_secret"),
        (vectors.SECRET.encode(), "bad_secret"),
        (["sixteen-letters-é"], "bad_secret"),
    ],
)
def test_a_setting_that_was_not_set_is_not_a_secret(secrets: Any, code: str) -> None:
    assert code_of(vectors.BODY, sign(vectors.BODY), secrets, vectors.NOW) == code


@pytest.mark.parametrize("body", [vectors.BODY.decode(), json.loads(vectors.BODY), None])
def test_a_body_that_is_not_bytes_is_a_mistake_that_is_named(body: Any) -> None:
    with pytest.raises(TypeError, match="raw bytes"):
        verify(body, sign(vectors.BODY), vectors.SECRET, vectors.NOW)


@pytest.mark.parametrize("header", ["é" * 64, "\u0661" * 64, "0" * 63 + "\n", "0" * 62 + "\xff\xff", " " * 64])
def test_a_header_of_other_characters_is_not_hex(header: str) -> None:
    assert code_of(vectors.BODY, header, vectors.SECRET, vectors.NOW) == "not_hex"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"\xef\xbb\xbf" + vectors.BODY,
        vectors.BODY.decode().encode("utf-16"),
        vectors.BODY.replace(str(vectors.NOW).encode(), b"NaN"),
        vectors.BODY.replace(str(vectors.NOW).encode(), b"-Infinity"),
        vectors.BODY.replace(str(vectors.NOW).encode(), b"+1"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_only_python_would_read_is_not_json(body: bytes) -> None:
    assert code_of_body(body) == "body_not_json"


@pytest.mark.parametrize("timestamp", ["true", "1e3", f"{vectors.NOW}.0", str(2**63), "9" * 5000, "-" + "9" * 5000])
def test_what_is_no_64_bit_integer_is_no_timestamp(timestamp: str) -> None:
    assert code_of_body(vectors.BODY.replace(str(vectors.NOW).encode(), timestamp.encode())) == "body_incomplete"


@pytest.mark.parametrize("now", [-(2**63), 0, 2**63 - 1])
def test_clocks_at_the_ends_of_time_are_stale(now: int) -> None:
    assert code_of(vectors.BODY, sign(vectors.BODY), vectors.SECRET, now) == "stale"


def test_the_clock_is_this_machines_unless_one_is_given() -> None:
    body = vectors.BODY.replace(str(vectors.NOW).encode(), str(int(time.time())).encode())
    assert verify(body, sign(body), vectors.SECRET).session_id == vectors.SESSION
    assert code_of(vectors.BODY, sign(vectors.BODY), vectors.SECRET) == "stale"


def test_every_secret_is_tried_whatever_the_first_says(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def counting(own: bytes, presented: bytes) -> bool:
        compared.append(own)
        return compare(own, presented)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    verify(vectors.BODY, sign(vectors.BODY), [vectors.SECRET, OTHER_SECRET], vectors.NOW)
    assert len(compared) == 2


def test_an_error_says_what_to_look_at_and_survives_pickling() -> None:
    error = VerifyError("no_match")
    assert str(error).startswith("the signature does not match: check that the body is the raw one")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (copy.code, str(copy)) == (error.code, str(error))
