"""Every way in which a framework serves the endpoints: handlers by their paths, behind one real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

import django
import servers
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.urls import clear_url_caches, path
from fastapi import FastAPI
from flask import Flask

import buddy_verify.django
import buddy_verify.fastapi
import buddy_verify.flask
from buddy_verify import MemoryStore

Handler = Callable[..., Any]
Handlers = dict[str, Handler]

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="only for tests",
    ROOT_URLCONF="django_urls",
    LOGGING_CONFIG=None,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
django.setup()


class AsyncStore:
    """An async store, as one over a network would be."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    async def bind(self, session_id: str, user_id: str) -> bool:
        return self.store.bind(session_id, user_id)

    async def find(self, session_id: str) -> str | None:
        return self.store.find(session_id)


def giving(value: Any) -> Handler:
    """A function of an integrator's: it gives the value."""
    return lambda *_: value


def giving_async(value: Any) -> Handler:
    async def give(*_: Any) -> Any:
        return value

    return give


class Stack:
    """`module` makes the handlers, `serve` serves them; the functions that they call are sync or async."""

    def __init__(self, name: str, module: Any, serve: Callable[[Handlers], Any], *, is_async: bool) -> None:
        self.name = name
        self.serve = serve
        self.module = module
        self.giving = giving_async if is_async else giving
        # Flask has no async stores.
        self.takes_async_store = is_async and module is not buddy_verify.flask


@contextmanager
def _flask(handlers: Handlers) -> Iterator[int]:
    app = Flask("shop")
    for at, handler in handlers.items():
        app.add_url_rule(at, at, handler, methods=["POST"])
    with servers.werkzeug(app) as port:
        yield port


@contextmanager
def _fastapi(handlers: Handlers) -> Iterator[int]:
    app = FastAPI()
    for at, handler in handlers.items():
        app.add_api_route(at, handler, methods=["POST"])
    with servers.asgi(app) as port:
        yield port


def set_django_urls(handlers: Handlers) -> None:
    import django_urls

    django_urls.urlpatterns[:] = [path(at[1:], handler) for at, handler in handlers.items()]
    clear_url_caches()


@contextmanager
def _django_wsgi(handlers: Handlers) -> Iterator[int]:
    set_django_urls(handlers)
    with servers.wsgiref(get_wsgi_application()) as port:
        yield port


@contextmanager
def _django_asgi(handlers: Handlers) -> Iterator[int]:
    set_django_urls(handlers)
    with servers.asgi(get_asgi_application()) as port:
        yield port


STACKS = [
    Stack("flask", buddy_verify.flask, _flask, is_async=False),
    Stack("flask, async functions", buddy_verify.flask, _flask, is_async=True),
    Stack("fastapi", buddy_verify.fastapi, _fastapi, is_async=True),
    Stack("fastapi, sync functions", buddy_verify.fastapi, _fastapi, is_async=False),
    Stack("django, wsgi", buddy_verify.django, _django_wsgi, is_async=False),
    Stack("django, asgi, async functions", buddy_verify.django, _django_asgi, is_async=True),
    Stack("django, wsgi, async functions", buddy_verify.django, _django_wsgi, is_async=True),
    Stack("django, asgi", buddy_verify.django, _django_asgi, is_async=False),
]
