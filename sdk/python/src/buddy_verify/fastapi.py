"""The endpoints for FastAPI, and Starlette: `app.add_api_route(path, identity_endpoint(...), methods=["POST"])`."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from typing import Any, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response as StarletteResponse

from .errors import BodyConsumedError
from .functions import MaybeAwaitable, off_the_loop
from .http import BODY_BYTES_MAX, Request, Response
from .identity import IdentityEndpoint, OnRefused, UserFunction, log_refusal
from .session import SessionEndpoint
from .store import AsyncBindingStore, BindingStore, ThreadedStore
from .verification import Secrets

Route = Callable[[StarletteRequest], Coroutine[Any, Any, StarletteResponse]]


def identity_endpoint(
    secrets: Secrets,
    user: UserFunction,
    *,
    agent_id: str | None = None,
    on_refused: OnRefused = log_refusal,
    clock: Callable[[], float] = time.time,
) -> Route:
    """A route that answers Buddy's callbacks. `user(session_id)` gives a `User`, or None; a sync one runs in a thread.

    Raises `VerifyError` if a secret is missing or cannot be one.
    """
    endpoint = IdentityEndpoint(
        secrets, off_the_loop(user, run_in_threadpool), agent_id=agent_id, on_refused=on_refused, clock=clock
    )

    async def buddy_identity(request: StarletteRequest) -> StarletteResponse:
        return _respond(await endpoint.answer_async(await _plain_request(request)))

    return buddy_identity


def session_endpoint(
    secret: str,
    store: BindingStore | AsyncBindingStore,
    signed_in_user: Callable[[StarletteRequest], MaybeAwaitable[str | None]],
    *,
    agent_id: str | None = None,
) -> Route:
    """A route that binds sessions. `signed_in_user(request)` gives the id of the user of your cookie, or None.

    That function and the store may be async; sync ones run in a thread. `secret` is the current one.
    Raises `VerifyError` if it cannot be one.
    """
    find_user = off_the_loop(signed_in_user, run_in_threadpool)
    endpoint = SessionEndpoint(
        secret, ThreadedStore(store, run_in_threadpool), lambda request: find_user(request.native), agent_id=agent_id
    )

    async def buddy_session(request: StarletteRequest) -> StarletteResponse:
        return _respond(await endpoint.answer_async(await _plain_request(request)))

    return buddy_session


async def _plain_request(request: StarletteRequest) -> Request:
    headers = {name: ", ".join(request.headers.getlist(name)) for name in request.headers}
    return Request(request.method, headers, await _raw_body(request), request)


async def _raw_body(request: StarletteRequest) -> bytes | None:
    length = int(request.headers.get("Content-Length") or 0)
    if length > BODY_BYTES_MAX:
        return None
    body = bytearray()
    stream = request.stream()
    try:
        async for chunk in stream:
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                return None
    except RuntimeError as error:  # "Stream consumed"
        raise _consumed() from error
    finally:
        await stream.aclose()
    # A middleware that read the stream leaves an empty one behind.
    if len(body) < length:
        raise _consumed()
    return bytes(body)


def _consumed() -> BodyConsumedError:
    return BodyConsumedError(
        "buddy: the body was read before this route, and not kept: in the middleware or dependency that reads it, use "
        "await request.body() and not request.stream() or request.form(), or leave this path out"
    )


def _respond(response: Response) -> StarletteResponse:
    return StarletteResponse(response.body, response.status, dict(response.headers))
