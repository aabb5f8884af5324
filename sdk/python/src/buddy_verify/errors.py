"""What can be raised."""

from __future__ import annotations

_SENTENCES = {
    "no_secret": "no secret is configured here: set the callback secret that belongs to the agent",
    "bad_secret": "a configured secret is not 16 to 256 visible ASCII characters: "
    "look for an unset variable, a space or a line end",
    "missing_header": "the header X-Platform-Signature is missing: not from Buddy, or a proxy dropped it",
    "wrong_length": "the header X-Platform-Signature is not 64 characters long: "
    "it is bare hex, with no prefix and no second value",
    "not_hex": "the header X-Platform-Signature is not lower-case hex",
    "no_match": "the signature does not match: "
    "check that the body is the raw one, byte for byte, and the secret this agent's",
    "body_not_json": "the body is rightly signed but is not JSON: not a callback",
    "body_incomplete": "the body lacks sessionId, agentId or timestamp, or one is of the wrong type: not a callback",
    "bad_session_id": "a session id is sess_ and 26 characters of 0-9 and a-z",
    "stale": "the timestamp is more than 300 seconds from now: an old request sent again, or this clock is wrong",
    "wrong_agent": "the callback is of another agent than the one this endpoint serves",
}


class VerifyError(ValueError):
    """Why a request is not taken for Buddy's. `code` is a stable name, the text says what to look at."""

    def __init__(self, code: str) -> None:
        super().__init__(_SENTENCES[code])
        self.code = code

    def __reduce__(self) -> tuple[type[VerifyError], tuple[str]]:
        return VerifyError, (self.code,)


class InvalidUserError(ValueError):
    """Your function gave a user that Buddy would not take. The text names the member, never its value."""


class BodyConsumedError(RuntimeError):
    """Something read the request's body before the endpoint did, so the raw bytes are gone."""
