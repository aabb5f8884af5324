"""The plain requests and responses that the endpoints work on, and that the framework adapters translate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: A callback has about 130 bytes and a page's request fewer: what is larger is nobody's.
BODY_BYTES_MAX = 16 * 1024


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    method: str
    #: By names in any case.
    headers: Mapping[str, str]
    #: The raw body; None if it has more than `BODY_BYTES_MAX` bytes and was not read.
    body: bytes | None
    #: The framework's own request, for your function that says who is signed in.
    native: Any = None

    def header(self, name: str) -> str | None:
        """The header's value; several of one name joined by a comma, as HTTP has it."""
        values = [value for key, value in self.headers.items() if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def body_within_limit(self) -> bytes | None:
        """The body; None if it is larger than any that Buddy, or a page of yours, would send."""
        return self.body if self.body is not None and len(self.body) <= BODY_BYTES_MAX else None


@dataclass(frozen=True)
class Response:
    """A response to be sent as it is. The framework adds `Content-Length`."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def json_response(status: int, value: Mapping[str, object], **headers: str) -> Response:
    """An answer that no cache keeps."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(
        status, {"Content-Type": "application/json", "Cache-Control": "no-store", **headers}, text.encode("utf-8")
    )


def no_content() -> Response:
    """Nobody is signed in."""
    return Response(204, {"Cache-Control": "no-store"})


def refusal(status: int, code: str, message: str) -> Response:
    """A refusal, in the one form that all have."""
    allow = {"Allow": "POST"} if status == 405 else {}
    return json_response(status, {"error": code, "message": message}, **allow)
