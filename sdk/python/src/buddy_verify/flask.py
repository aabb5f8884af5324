"""The endpoints as Flask views: `app.add_url_rule(path, view_func=identity_endpoint(...), methods=["POST"])`."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from typing import IO, Callable

from flask import Response as FlaskResponse
from flask import current_app, request

from .errors import BodyConsumedError
from .functions import MaybeAwaitable
from .http import BODY_BYTES_MAX, Request, Response
from .identity import IdentityEndpoint, OnRefused, UserFunction, log_refusal
from .session import SessionEndpoint
from .store import BindingStore
from .verification import Secrets

View = Callable[[], FlaskResponse]


def identity_endpoint(
    secrets: Secrets,
    user: UserFunction,
    *,
    agent_id: str | None = None,
    on_refused: OnRefused = log_refusal,
    clock: Callable[[], float] = time.time,
) -> View:
    """A view that answers Buddy's callbacks. `user(session_id)` gives a `User`, or None; it may be async.

    Raises `VerifyError` if a secret is missing or cannot be one.
    """

    def sync_user(session_id: str) -> Mapping[str, object] | None:
        user_of: Callable[[str], Mapping[str, object] | None] = current_app.ensure_sync(user)
        return user_of(session_id)

    endpoint = IdentityEndpoint(secrets, sync_user, agent_id=agent_id, on_refused=on_refused, clock=clock)

    def buddy_identity() -> FlaskResponse:
        return _respond(endpoint.answer(_plain_request()))

    return buddy_identity


def session_endpoint(
    secret: str,
    store: BindingStore,
    signed_in_user: Callable[[], MaybeAwaitable[str | None]],
    *,
    agent_id: str | None = None,
) -> View:
    """A view that binds sessions. `signed_in_user()` gives the id from `flask.session`, or None; it may be async.

    `secret` is the current one. Raises `VerifyError` if it cannot be one.
    """

    def sync_signed_in_user(_: Request) -> str | None:
        user_id: str | None = current_app.ensure_sync(signed_in_user)()
        return user_id

    endpoint = SessionEndpoint(secret, store, sync_signed_in_user, agent_id=agent_id)

    def buddy_session() -> FlaskResponse:
        return _respond(endpoint.answer(_plain_request()))

    return buddy_session


def _plain_request() -> Request:
    return Request(request.method, dict(request.headers), _raw_body())


def _raw_body() -> bytes | None:
    length = request.content_length
    if length is not None and length > BODY_BYTES_MAX:
        return None
    # get_data gives what was read before and kept, or else all of the stream: which may be endless if it is chunked.
    request.stream = io.BytesIO(_read_some(request.stream))
    body = request.get_data()
    if length is not None and len(body) < length:
        raise BodyConsumedError(
            "buddy: the body was read before this view, and not kept: in the before_request function or middleware "
            "that reads it, call request.get_data() first, without cache=False, or leave this path out"
        )
    return body


def _read_some(stream: IO[bytes]) -> bytes:
    """The stream's bytes, at most one more than is allowed."""
    body = bytearray()
    while len(body) <= BODY_BYTES_MAX:
        chunk = stream.read(BODY_BYTES_MAX + 1 - len(body))
        if not chunk:
            break
        body += chunk
    return bytes(body)


def _respond(response: Response) -> FlaskResponse:
    answer = FlaskResponse(response.body, response.status)
    # Flask has given it a type of its own, which a 204 is not to have.
    del answer.headers["Content-Type"]
    answer.headers.update(response.headers)
    return answer
