"""A client that sends exactly the headers it is given, over a real socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

# So that a server that never answers is a failure, not a hang.
_SECONDS_MAX = 20


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


def send(
    port: int,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    chunked: bool = False,
) -> Answer:
    sent = {"Host": f"127.0.0.1:{port}", **headers, "Connection": "close"}
    if chunked:
        sent["Transfer-Encoding"] = "chunked"
        half = len(body) // 2
        parts = [part for part in (body[:half], body[half:]) if part]
        payload = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    else:
        sent["Content-Length"] = str(len(body))
        payload = body
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS_MAX) as connection:
        connection.sendall(head.encode("latin-1") + b"\r\n" + payload)
        response = HTTPResponse(connection, method=method)
        response.begin()
        pairs = [(name.lower(), value) for name, value in response.getheaders()]
        received = dict(pairs)
        assert len(received) == len(pairs), f"a header is sent twice: {pairs}"
        return Answer(response.status, received, response.read())
