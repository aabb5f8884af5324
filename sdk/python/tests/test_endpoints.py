"""The endpoints without a framework: the vectors, your functions' mistakes, and what is logged."""

from __future__ import annotations

import asyncio
import enum
import json
import logging
from collections.abc import Awaitable
from decimal import Decimal
from typing import Any, Callable
from uuid import uuid4

import pytest
import vectors
from stacks import AsyncStore, giving, giving_async

from buddy_verify import (
    BODY_BYTES_MAX,
    IdentityEndpoint,
    InvalidUserError,
    MemoryStore,
    Request,
    Response,
    SessionEndpoint,
    User,
    VerifyError,
)

Endpoint = Any
Play = Callable[[Endpoint, Request], Response]


def play_sync(endpoint: Endpoint, request: Request) -> Response:
    answer: Response = endpoint.answer(request)
    return answer


def play_async(endpoint: Endpoint, request: Request) -> Response:
    asked: Awaitable[Response] = endpoint.answer_async(request)

    async def wait() -> Response:
        return await asked

    return asyncio.run(wait())


WAYS = [(play_sync, giving), (play_async, giving), (play_async, giving_async)]
both = pytest.mark.parametrize(("play", "gives"), WAYS, ids=["sync", "async, sync functions", "async"])


def request_of(row: dict[str, Any]) -> Request:
    return Request(row["method"], row["headers"], row["body"].encode())


def assert_is(expect: dict[str, Any], answer: Response) -> None:
    assert answer.status == expect["status"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    if answer.status == 204:
        assert answer.body == b""
        return
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.headers.get("Allow") == "POST") == (answer.status == 405)
    said = json.loads(answer.body)
    if "error" in expect:
        assert said == {"error": expect["error"], "message": said["message"]}
    else:
        assert said == expect.get("json", {"ticket": expect.get("ticket")})


@both
@pytest.mark.parametrize("row", vectors.rows("identity_endpoint"), ids=vectors.name_of)
def test_the_identity_endpoint_answers_as_the_vector_says(row: dict[str, Any], play: Play, gives: Any) -> None:
    refused: list[str] = []
    endpoint = IdentityEndpoint(
        row["secrets"],
        gives(row["user"]),
        agent_id=row["agentId"],
        on_refused=lambda code, _: refused.append(code),
        clock=lambda: float(vectors.NOW),
    )
    assert_is(row["expect"], play(endpoint, request_of(row)))
    assert refused == ([row["expect"]["error"]] if "error" in row["expect"] else [])


@both
@pytest.mark.parametrize("row", vectors.rows("session_endpoint"), ids=vectors.name_of)
def test_the_session_endpoint_answers_and_binds_as_the_vector_says(row: dict[str, Any], play: Play, gives: Any) -> None:
    async_store = AsyncStore()
    store = async_store.store
    if row["boundTo"] is not None:
        store.bind(vectors.SESSION, row["boundTo"])
    endpoint = SessionEndpoint(
        vectors.SECRET,
        async_store if gives is giving_async else store,
        gives(row["signedIn"]),
        agent_id=row["agentId"],
    )
    assert_is(row["expect"], play(endpoint, request_of(row)))
    assert store.find(vectors.SESSION) == row["expect"]["boundTo"]


def test_the_limit_of_a_body_is_the_vectors() -> None:
    assert vectors.read("identity_endpoint")["bodyBytesMax"] == BODY_BYTES_MAX
    assert vectors.read("session_endpoint")["bodyBytesMax"] == BODY_BYTES_MAX


@pytest.mark.parametrize("secrets", [[], [""], "", None, [vectors.SECRET, "short"], [vectors.SECRET + "\n"]])
def test_an_endpoint_is_not_made_with_what_cannot_be_a_secret(secrets: Any) -> None:
    with pytest.raises(VerifyError, match="secret"):
        IdentityEndpoint(secrets, giving(None))


@pytest.mark.parametrize("secret", ["", "short", None, [vectors.SECRET]])
def test_a_session_endpoint_is_made_with_one_secret_only(secret: Any) -> None:
    with pytest.raises(VerifyError, match="secret"):
        SessionEndpoint(secret, MemoryStore(), giving(None))


def identify(user: Any) -> Response:
    endpoint = IdentityEndpoint(vectors.SECRET, giving(user), clock=lambda: float(vectors.NOW))
    return endpoint.answer(Request("POST", vectors.HEADERS, vectors.BODY))


def shared() -> dict[str, Any]:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    return circle


class Rank(enum.IntEnum):
    CAPTAIN = 7


@pytest.mark.parametrize(
    ("user", "named"),
    [
        ("ada", "not str"),
        (True, "not bool"),
        ({}, "userId is missing"),
        ({"user_id": "42"}, "userId is missing"),
        ({"userId": None}, "userId is missing"),
        ({"userId": ""}, "userId is blank"),
        ({"userId": " \u2003"}, "userId is blank"),
        ({"userId": "a\x00"}, "userId has a control character"),
        ({"userId": "a\u0085b"}, "userId has a control character"),
        ({"userId": "a" * 257}, "userId has more than 256 characters"),
        ({"userId": "\ud83e"}, "userId is not Unicode"),
        ({"userId": True}, "userId must be a string or an integer, not bool"),
        ({"userId": 42.0}, "userId must be a string or an integer, not float"),
        ({"userId": uuid4()}, "userId must be a string or an integer, not UUID"),
        ({"userId": 10**256}, "userId has more than 256 digits"),
        ({"userId": -(10**255)}, "userId has more than 256 digits"),
        ({"userId": 10**5000}, "userId has more than 256 digits"),
        ({"userId": "42", "email": 1}, "email must be a string, not int"),
        ({"userId": "42", "email": "a" * 321}, "email has more than 320 characters"),
        ({"userId": "42", "role": ["x"]}, "role must be a string, not list"),
        ({"userId": "42", "role": "a" * 129}, "role has more than 128 characters"),
        ({"userId": "42", "customAttributes": []}, "customAttributes must be a dict, not list"),
        ({"userId": "42", "customAttributes": {"a": Decimal(1)}}, "Decimal"),
        ({"userId": "42", "customAttributes": {"a": float("nan")}}, "NaN"),
        ({"userId": "42", "customAttributes": {"a": "\ud800"}}, "surrogate"),
        ({"userId": "42", "customAttributes": shared()}, "customAttributes"),
    ],
)
def test_a_user_that_buddy_would_not_take_is_a_named_mistake(user: Any, named: str) -> None:
    with pytest.raises(InvalidUserError, match=named):
        identify(user)


@pytest.mark.parametrize(
    ("user", "sent"),
    [
        ({"userId": 0}, b'{"userId":0}'),
        ({"userId": 2**64}, b'{"userId":18446744073709551616}'),
        ({"userId": -(10**255) + 1}, b'{"userId":-' + b"9" * 255 + b"}"),
        ({"userId": Rank.CAPTAIN}, b'{"userId":7}'),
        ({"userId": " Ada "}, b'{"userId":" Ada "}'),
        ({"userId": "\U0001f980" * 256}, b'{"userId":"' + "\U0001f980".encode() * 256 + b'"}'),
        ({"userId": "Zoë 漢字", "role": "é"}, '{"userId":"Zoë 漢字","role":"é"}'.encode()),
        ({"userId": "4", "email": None, "role": None, "customAttributes": None}, b'{"userId":"4"}'),
        ({"userId": "4", "email": "", "customAttributes": {}}, b'{"userId":"4","email":"","customAttributes":{}}'),
        ({"userId": "4", "passwordHash": "x"}, b'{"userId":"4"}'),
    ],
)
def test_a_user_is_sent_exactly_and_nothing_else_of_it(user: User, sent: bytes) -> None:
    answer = identify(user)
    assert (answer.status, answer.body) == (200, sent)


def session_request(native: Any = None) -> Request:
    return Request(
        "POST", {"content-type": "application/json"}, vectors.rows("session_endpoint")[0]["body"].encode(), native
    )


@pytest.mark.parametrize(("given", "error"), [(1, TypeError), (b"ada", TypeError), ("", ValueError)])
def test_a_signed_in_user_without_an_id_is_a_mistake(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="signed_in_user"):
        SessionEndpoint(vectors.SECRET, MemoryStore(), giving(given)).answer(session_request())


def test_an_origin_with_no_host_beside_it_is_another_site() -> None:
    request = Request("POST", {"Origin": "https://shop.example"}, b"{}")
    assert SessionEndpoint(vectors.SECRET, MemoryStore(), giving("ada")).answer(request).status == 403


def test_the_function_is_given_the_frameworks_own_request() -> None:
    endpoint = SessionEndpoint(vectors.SECRET, MemoryStore(), lambda request: str(request.native["user"]))
    assert endpoint.answer(session_request({"user": "ada"})).status == 200


def test_a_body_that_was_not_read_is_too_large() -> None:
    assert IdentityEndpoint(vectors.SECRET, giving(None)).answer(Request("POST", {}, None)).status == 413


def test_an_async_function_in_a_sync_endpoint_is_a_named_mistake() -> None:
    identity = IdentityEndpoint(vectors.SECRET, giving_async(None), clock=lambda: float(vectors.NOW))
    with pytest.raises(TypeError, match="user is async"):
        identity.answer(Request("POST", vectors.HEADERS, vectors.BODY))
    session = SessionEndpoint(vectors.SECRET, AsyncStore(), giving("ada"))
    with pytest.raises(TypeError, match="the store's bind is async"):
        session.answer(session_request())


def test_what_your_function_raises_is_passed_on() -> None:
    def user(_: str) -> None:
        raise ConnectionError("the database is down")

    endpoint = IdentityEndpoint(vectors.SECRET, user, clock=lambda: float(vectors.NOW))
    with pytest.raises(ConnectionError):
        endpoint.answer(Request("POST", vectors.HEADERS, vectors.BODY))


def test_a_refusal_is_one_warning_in_the_log_with_no_secret_and_no_body(caplog: pytest.LogCaptureFixture) -> None:
    endpoint = IdentityEndpoint("another-secret-00", giving(None), clock=lambda: float(vectors.NOW))
    endpoint.answer(Request("POST", vectors.HEADERS, vectors.BODY))
    [record] = caplog.records
    assert (record.name, record.levelno) == ("buddy_verify", logging.WARNING)
    assert record.getMessage().startswith("buddy: refused a callback (no_match): the signature does not match: ")
    assert "another-secret" not in record.getMessage()
    assert vectors.SESSION not in record.getMessage()
