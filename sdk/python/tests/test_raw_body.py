"""The raw body, whatever else reads it before the endpoint: it is right, or the mistake is named."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Callable

import flask
import pytest
import raw_http
import servers
import vectors
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponseBase
from django.test.utils import override_settings
from fastapi import Body, Depends, FastAPI
from stacks import STACKS, Stack, giving, set_django_urls
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request as StarletteRequest

import buddy_verify.django
import buddy_verify.fastapi
import buddy_verify.flask

USER = {"userId": "Zoë 漢字"}
NONE: Mapping[str, str] = {}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


def clock() -> float:
    return float(vectors.NOW)


def endpoint_of(module: Any) -> Any:
    return module.identity_endpoint(vectors.SECRET, giving(USER), clock=clock)


def post(
    port: int, headers: Mapping[str, str] = NONE, body: bytes = vectors.BODY, chunked: bool = False
) -> raw_http.Answer:
    return raw_http.send(port, "POST", "/buddy/identity", {**vectors.HEADERS, **headers}, body, chunked)


def assert_answered(port: int, headers: Mapping[str, str] = NONE) -> None:
    answer = post(port, headers)
    assert answer.status == 200, answer
    assert answer.json() == USER


def assert_named(caplog: pytest.LogCaptureFixture) -> None:
    """Once the server has ended: it may log after its answer has gone out."""
    assert "BodyConsumedError" in caplog.text
    assert "leave this path out" in caplog.text


@contextmanager
def flask_with(reader: Callable[[], Any]) -> Iterator[int]:
    app = flask.Flask("shop")
    app.before_request(lambda: (reader(), None)[1])
    app.add_url_rule("/buddy/identity", view_func=endpoint_of(buddy_verify.flask), methods=["POST"])
    with servers.werkzeug(app) as port:
        yield port


@pytest.mark.parametrize("reader", [lambda: flask.request.get_data(), lambda: flask.request.get_json(silent=True)])
@pytest.mark.parametrize("headers", [{}, FORM, MULTIPART], ids=["json", "form", "multipart"])
def test_flask_keeps_what_was_read_as_data(reader: Callable[[], Any], headers: dict[str, str]) -> None:
    def read() -> None:
        flask.request.get_data()
        reader()

    with flask_with(read) as port:
        assert_answered(port, headers)


def test_flask_leaves_a_body_that_is_no_form() -> None:
    with flask_with(lambda: flask.request.form) as port:
        assert_answered(port)


@pytest.mark.parametrize(
    ("reader", "headers"),
    [
        (lambda: flask.request.get_data(cache=False), {}),
        (lambda: flask.request.stream.read(), {}),
        (lambda: flask.request.stream.read(10), {}),
        (lambda: flask.request.form, FORM),
    ],
)
def test_flask_names_the_mistake(caplog: pytest.LogCaptureFixture, reader: Any, headers: dict[str, str]) -> None:
    with flask_with(reader) as port:
        assert post(port, headers).status == 500
    assert_named(caplog)


@contextmanager
def fastapi_with(reader: Callable[[StarletteRequest], Awaitable[Any]], *, as_dependency: bool = False) -> Iterator[int]:
    async def dependency(request: StarletteRequest) -> None:
        await reader(request)

    async def dispatch(request: StarletteRequest, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        await reader(request)
        return await call_next(request)

    app = FastAPI(dependencies=[Depends(dependency)] if as_dependency else [])
    if not as_dependency:
        app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)
    app.add_api_route("/buddy/identity", endpoint_of(buddy_verify.fastapi), methods=["POST"])
    with servers.asgi(app) as port:
        yield port


async def _read_body(request: StarletteRequest) -> None:
    await request.body()


async def _read_json(request: StarletteRequest) -> None:
    await request.json()


async def _read_stream(request: StarletteRequest) -> None:
    async for _ in request.stream():
        pass


@pytest.mark.parametrize("as_dependency", [False, True], ids=["middleware", "dependency"])
@pytest.mark.parametrize("reader", [_read_body, _read_json])
def test_fastapi_keeps_what_was_read_as_body(reader: Any, as_dependency: bool) -> None:
    with fastapi_with(reader, as_dependency=as_dependency) as port:
        assert_answered(port)


@pytest.mark.parametrize("as_dependency", [False, True], ids=["middleware", "dependency"])
def test_fastapi_names_the_mistake(caplog: pytest.LogCaptureFixture, as_dependency: bool) -> None:
    with fastapi_with(_read_stream, as_dependency=as_dependency) as port:
        assert post(port).status == 500
    assert_named(caplog)


def test_fastapi_may_have_parsed_the_body_for_a_dependency() -> None:
    def dependency(parsed: dict[str, Any] = Body(embed=False)) -> None:  # noqa: B008
        assert parsed["sessionId"] == vectors.SESSION

    app = FastAPI(dependencies=[Depends(dependency)])
    app.add_api_route("/buddy/identity", endpoint_of(buddy_verify.fastapi), methods=["POST"])
    with servers.asgi(app) as port:
        assert_answered(port)


#: What the middleware below does with a request; Django takes middleware by name only.
_django_reader: list[Callable[[HttpRequest], Any]] = []


def reading_middleware(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        _django_reader[0](request)
        return get_response(request)

    return middleware


@contextmanager
def django_with(reader: Callable[[HttpRequest], Any]) -> Iterator[int]:
    _django_reader[:] = [reader]
    set_django_urls({"/buddy/identity": endpoint_of(buddy_verify.django)})
    middleware = [f"{__name__}.reading_middleware", *settings.MIDDLEWARE]
    with override_settings(MIDDLEWARE=middleware), servers.wsgiref(get_wsgi_application()) as port:
        yield port


@pytest.mark.parametrize(
    ("reader", "headers"),
    [
        (lambda request: request.body, {}),
        (lambda request: request.POST, {}),
        (lambda request: request.POST, FORM),
        (lambda request: (request.body, request.POST), MULTIPART),
    ],
)
def test_django_keeps_what_was_read_as_body(reader: Any, headers: dict[str, str]) -> None:
    with django_with(reader) as port:
        assert_answered(port, headers)


@pytest.mark.parametrize(
    ("reader", "headers"),
    [
        (lambda request: request.read(), {}),
        (lambda request: request.read(10), {}),
        (lambda request: request.POST, MULTIPART),
    ],
)
def test_django_names_the_mistake(caplog: pytest.LogCaptureFixture, reader: Any, headers: dict[str, str]) -> None:
    with django_with(reader) as port:
        assert post(port, headers).status == 500
    assert_named(caplog)


@pytest.fixture(scope="module", params=STACKS, ids=lambda stack: stack.name)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Stack, int]]:
    stack: Stack = request.param
    handler = stack.module.identity_endpoint(vectors.SECRET, stack.giving(USER), clock=clock)
    with stack.serve({"/buddy/identity": handler}) as port:
        yield stack, port


def test_a_chunked_body_is_read_whole_or_not_at_all(served: tuple[Stack, int]) -> None:
    stack, port = served
    if "wsgi" in stack.name:
        # Neither wsgiref nor Django reads a body of unknown length: none arrives.
        assert post(port, chunked=True).json()["error"] == "no_match"
        return
    assert post(port, chunked=True).json() == USER
    answer = post(port, body=vectors.BODY + b" " * 2**17, chunked=True)
    assert (answer.status, answer.json()["error"]) == (413, "too_large")


def test_two_signatures_in_two_headers_are_refused(served: tuple[Stack, int]) -> None:
    _, port = served
    answer = post(port, {"x-platform-signature": vectors.HEADERS["X-Platform-Signature"]})
    assert answer.json()["error"] == "wrong_length"


def test_a_signature_in_latin_1_is_refused(served: tuple[Stack, int]) -> None:
    _, port = served
    assert post(port, {"X-Platform-Signature": "é" * 64}).json()["error"] == "not_hex"


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_a_user_that_is_not_valid_is_a_500_and_named_in_the_log(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    handler = stack.module.identity_endpoint(vectors.SECRET, stack.giving({"userId": ""}), clock=clock)
    with stack.serve({"/buddy/identity": handler}) as port:
        assert post(port).status == 500
    assert "InvalidUserError: userId is blank" in caplog.text
