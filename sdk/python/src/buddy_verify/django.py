"""The endpoints as Django views: `path("buddy/identity", identity_endpoint(...))`. They need no CSRF token."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Any, Callable

from asgiref.sync import sync_to_async
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException

from .errors import BodyConsumedError
from .functions import MaybeAwaitable, is_async, off_the_loop
from .http import BODY_BYTES_MAX, Request, Response
from .identity import IdentityEndpoint, OnRefused, UserFunction, log_refusal
from .session import SessionEndpoint
from .store import AsyncBindingStore, BindingStore, ThreadedStore
from .verification import Secrets

# Sync or async; `path` takes either, but not, to a type checker, one that may be either.
View = Callable[[HttpRequest], Any]


def identity_endpoint(
    secrets: Secrets,
    user: UserFunction,
    *,
    agent_id: str | None = None,
    on_refused: OnRefused = log_refusal,
    clock: Callable[[], float] = time.time,
) -> View:
    """A view that answers Buddy's callbacks. `user(session_id)` gives a `User`, or None; async, so is the view.

    Raises `VerifyError` if a secret is missing or cannot be one.
    """
    endpoint = IdentityEndpoint(secrets, user, agent_id=agent_id, on_refused=on_refused, clock=clock)
    return _view(endpoint, is_awaited=is_async(user))


def session_endpoint(
    secret: str,
    store: BindingStore | AsyncBindingStore,
    signed_in_user: Callable[[HttpRequest], MaybeAwaitable[str | None]],
    *,
    agent_id: str | None = None,
) -> View:
    """A view that binds sessions. `signed_in_user(request)` gives the id of the user of your cookie, or None.

    If it or the store is async, so is the view. `secret` is the current one. Raises `VerifyError` if it cannot be one.
    """
    is_awaited = is_async(signed_in_user) or is_async(store.bind)
    find_user = off_the_loop(signed_in_user, _in_thread) if is_awaited else signed_in_user
    endpoint = SessionEndpoint(
        secret,
        ThreadedStore(store, _in_thread) if is_awaited else store,
        lambda request: find_user(request.native),
        agent_id=agent_id,
    )
    return _view(endpoint, is_awaited=is_awaited)


def _view(endpoint: IdentityEndpoint | SessionEndpoint, *, is_awaited: bool) -> View:
    def view(request: HttpRequest) -> HttpResponse:
        return _respond(endpoint.answer(_plain_request(request)))

    async def async_view(request: HttpRequest) -> HttpResponse:
        return _respond(await endpoint.answer_async(_plain_request(request)))

    made: View = async_view if is_awaited else view
    # As the decorator does, which in Django 4 makes a sync view of an async one.
    made.csrf_exempt = True  # type: ignore[attr-defined]
    return made


def _in_thread(function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
    # In the thread of the request's other sync code: the database connection is bound to it.
    return sync_to_async(function)(*args)


def _plain_request(request: HttpRequest) -> Request:
    return Request(request.method or "", dict(request.headers), _raw_body(request), request)


def _raw_body(request: HttpRequest) -> bytes | None:
    length = int(request.headers.get("Content-Length") or 0)
    if length > BODY_BYTES_MAX:
        return None
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    except RawPostDataException as error:
        raise _consumed() from error
    if len(body) < length:
        raise _consumed()
    return body


def _consumed() -> BodyConsumedError:
    return BodyConsumedError(
        "buddy: the body was read before this view, and not kept: in the middleware that reads it, use request.body "
        "before request.POST and request.read(), or leave this path out"
    )


def _respond(response: Response) -> HttpResponse:
    answer = HttpResponse(response.body, status=response.status)
    # Django has given it a type of its own, which a 204 is not to have.
    del answer["Content-Type"]
    for name, value in response.headers.items():
        answer[name] = value
    return answer
