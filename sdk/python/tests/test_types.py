"""Typed functions as integrators write them: mypy has no complaint, in its strict mode."""

from __future__ import annotations

import flask
import vectors
from django.http import HttpRequest
from django.urls import URLPattern, path
from fastapi import FastAPI, Request
from stacks import AsyncStore

import buddy_verify.django
import buddy_verify.fastapi
import buddy_verify.flask
from buddy_verify import AsyncBindingStore, BindingStore, MemoryStore, User

STORE: BindingStore = MemoryStore()
ASYNC_STORE: AsyncBindingStore = AsyncStore()


def user_of(session_id: str) -> User | None:
    user_id = STORE.find(session_id)
    return {"userId": user_id, "email": None, "customAttributes": {"plan": "gold"}} if user_id else None


async def async_user_of(session_id: str) -> User | None:
    user_id = await ASYNC_STORE.find(session_id)
    return {"userId": user_id} if user_id else None


def plain_user_of(_: str) -> dict[str, str] | None:
    return None


def test_flask_takes_the_views() -> None:
    def signed_in_user() -> str | None:
        return flask.session.get("user_id")

    app = flask.Flask("shop")
    identity = buddy_verify.flask.identity_endpoint(vectors.SECRET, plain_user_of)
    app.add_url_rule("/buddy/identity", view_func=identity, methods=["POST"])
    app.post("/buddy/session")(buddy_verify.flask.session_endpoint(vectors.SECRET, STORE, signed_in_user))
    assert {"buddy_identity", "buddy_session"} <= app.view_functions.keys()


def test_fastapi_takes_the_routes() -> None:
    async def signed_in_user(request: Request) -> str | None:
        return request.session.get("user_id")

    app = FastAPI()
    identity = buddy_verify.fastapi.identity_endpoint([vectors.SECRET], async_user_of)
    app.add_api_route("/buddy/identity", identity, methods=["POST"])
    app.post("/buddy/session")(buddy_verify.fastapi.session_endpoint(vectors.SECRET, ASYNC_STORE, signed_in_user))
    assert app.openapi()["paths"].keys() == {"/buddy/identity", "/buddy/session"}


def test_django_takes_the_views() -> None:
    def signed_in_user(request: HttpRequest) -> str | None:
        return request.session.get("user_id")

    urlpatterns: list[URLPattern] = [
        path("a", buddy_verify.django.identity_endpoint((vectors.SECRET,), user_of)),
        path("b", buddy_verify.django.identity_endpoint(vectors.SECRET, async_user_of)),
        path("c", buddy_verify.django.session_endpoint(vectors.SECRET, STORE, signed_in_user)),
    ]
    assert [vars(pattern.callback)["csrf_exempt"] for pattern in urlpatterns] == [True] * 3
