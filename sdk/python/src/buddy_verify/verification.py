"""`verify` and `ticket`: bytes in, an answer out. No HTTP, no I/O."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Union

from .errors import VerifyError

#: How far a timestamp may be from this machine's clock, either way: a request that is sent again is refused after this,
#: and clocks do differ.
TOLERANCE_SECONDS = 300

#: One secret, or all that count while a rotation is under way.
Secrets = Union[str, Sequence[str]]

# An empty secret, from a setting that was not set, would let anybody sign.
_SECRET = re.compile(r"[\x21-\x7e]{16,256}")
_SIGNATURE_CHARS = 64
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_SESSION_ID = re.compile(r"sess_[0-9a-z]{26}")
# Keeps a ticket from ever being the signature of a callback, or the other way round.
_TICKET_PREFIX = "buddy-ticket-v1:"
# As in the other languages' packages, whose integers have 64 bits.
_TIMESTAMPS = range(-(2**63), 2**63)
# A sign and the 19 digits of such an integer. `int` takes long over many more, and raises from some length on.
_INTEGER_CHARS_MAX = 20


@dataclass(frozen=True)
class Callback:
    """A request that is Buddy's: it asks who the user of this session is."""

    session_id: str
    agent_id: str
    #: When the request was made, in unix seconds.
    timestamp: int


def verify(
    body: bytes,
    signature_header: str | None,
    secrets: Secrets,
    now: int | None = None,
    *,
    agent_id: str | None = None,
) -> Callback:
    """Take a raw body and the value of `X-Platform-Signature` for a callback of Buddy's.

    `now` is by default this machine's clock; `agent_id` the agent you serve, by default any.
    Raises `VerifyError` with the first fault found.
    """
    if not isinstance(body, bytes):
        raise TypeError(f"body is a {type(body).__name__}: pass the raw bytes of the request, before any parsing")
    checked = check_secrets(secrets)
    presented = _check_signature(signature_header)
    if not _any_signs(checked, body, presented):
        raise VerifyError("no_match")
    callback = _read(body)
    if not is_session_id(callback.session_id):
        raise VerifyError("bad_session_id")
    if abs(callback.timestamp - (int(time.time()) if now is None else now)) > TOLERANCE_SECONDS:
        raise VerifyError("stale")
    if agent_id is not None and callback.agent_id != agent_id:
        raise VerifyError("wrong_agent")
    return callback


def ticket(secret: str, session_id: str) -> str:
    """Make the ticket for a session: proof, through the user's own page, that you have noted whose session it is.

    Raises `VerifyError` with `bad_secret`, or `bad_session_id`: a session id comes from a browser, so its form is
    checked before it is signed.
    """
    check_secrets([secret])
    if not is_session_id(session_id):
        raise VerifyError("bad_session_id")
    return _hmac(secret, f"{_TICKET_PREFIX}{session_id}".encode()).hex()


def check_secrets(secrets: Secrets) -> tuple[str, ...]:
    """The secrets as a tuple. Raises `VerifyError` with `no_secret` or `bad_secret`."""
    # A text is itself a sequence of texts: each of its characters would be a secret.
    checked = (secrets,) if isinstance(secrets, str) else tuple(secrets or ())
    if not checked:
        raise VerifyError("no_secret")
    if not all(isinstance(secret, str) and _SECRET.fullmatch(secret) for secret in checked):
        raise VerifyError("bad_secret")
    return checked


def is_session_id(text: str) -> bool:
    """Whether the text has the form of a session id."""
    return _SESSION_ID.fullmatch(text) is not None


def strict_json(body: bytes) -> Any:
    """The JSON in the body. Raises `ValueError` for all that is none, NaN and deep nesting too."""
    try:
        return json.loads(body.decode("utf-8"), parse_int=_integer, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _INTEGER_CHARS_MAX else float(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_signature(header: str | None) -> bytes:
    if header is None:
        raise VerifyError("missing_header")
    if len(header) != _SIGNATURE_CHARS:
        raise VerifyError("wrong_length")
    # One spelling for one signature: whoever keys on the header's text sees no second one.
    if not _SIGNATURE.fullmatch(header):
        raise VerifyError("not_hex")
    return bytes.fromhex(header)


def _any_signs(secrets: Sequence[str], body: bytes, presented: bytes) -> bool:
    # Goes through all secrets whatever the first says, so that time tells nothing about which one matched.
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(_hmac(secret, body), presented)
    return found


def _hmac(secret: str, message: bytes) -> bytes:
    return hmac.new(secret.encode("ascii"), message, hashlib.sha256).digest()


def _read(body: bytes) -> Callback:
    try:
        members = strict_json(body)
    except ValueError:
        raise VerifyError("body_not_json") from None
    if not isinstance(members, dict):
        raise VerifyError("body_incomplete")
    session_id, agent_id = members.get("sessionId"), members.get("agentId")
    timestamp: Any = members.get("timestamp")
    if not (isinstance(session_id, str) and isinstance(agent_id, str) and _is_timestamp(timestamp)):
        raise VerifyError("body_incomplete")
    return Callback(session_id, agent_id, timestamp)


def _is_timestamp(value: object) -> bool:
    # By its type, for a bool is an int and a float may be in a range.
    return type(value) is int and value in _TIMESTAMPS
