"""The session endpoint: your page says which session it has, and gets a ticket if that is its user's."""

from __future__ import annotations

from typing import Callable, Optional

from .functions import MaybeAwaitable, now_or_never, settled
from .http import BODY_BYTES_MAX, Request, Response, json_response, no_content, refusal
from .store import AsyncBindingStore, BindingStore
from .verification import check_secrets, is_session_id, strict_json, ticket

#: From a request to the id of the user who is signed in, or to None.
SignedInUserFunction = Callable[[Request], MaybeAwaitable[Optional[str]]]


class SessionEndpoint:
    """Binds a session to the user who is signed in: 200 with the ticket, 204 for nobody, or a refusal.

    `secret` is the current one. Raises `VerifyError` with `bad_secret` when it is made.
    """

    def __init__(
        self,
        secret: str,
        store: BindingStore | AsyncBindingStore,
        signed_in_user: SignedInUserFunction,
        *,
        agent_id: str | None = None,
    ) -> None:
        check_secrets([secret])
        self._secret = secret
        self._store = store
        self._signed_in_user = signed_in_user
        self._agent_id = agent_id

    def answer(self, request: Request) -> Response:
        """The answer. What your function or the store raises is passed on."""
        session_id = self._session_id(request)
        if isinstance(session_id, Response):
            return session_id
        user_id = _check_user_id(now_or_never("signed_in_user", self._signed_in_user(request)))
        if user_id is None:
            return no_content()
        return self._give(session_id, now_or_never("the store's bind", self._store.bind(session_id, user_id)))

    async def answer_async(self, request: Request) -> Response:
        """As `answer`, for an async function and an async store too."""
        session_id = self._session_id(request)
        if isinstance(session_id, Response):
            return session_id
        user_id = _check_user_id(await settled(self._signed_in_user(request)))
        if user_id is None:
            return no_content()
        return self._give(session_id, await settled(self._store.bind(session_id, user_id)))

    def _session_id(self, request: Request) -> str | Response:
        if request.method != "POST":
            return refusal(405, "method_not_allowed", "bind a session with POST")
        if not _is_of_this_site(request):
            return refusal(403, "cross_site", "the request is not from a page of this site")
        if not _is_json(request.header("Content-Type")):
            return refusal(415, "unsupported_media_type", "send the Content-Type application/json")
        body = request.body_within_limit()
        if body is None:
            return refusal(413, "too_large", f"the body has more than {BODY_BYTES_MAX} bytes")
        return self._read(body)

    def _read(self, body: bytes) -> str | Response:
        try:
            members = strict_json(body)
        except ValueError:
            return refusal(400, "body_not_json", "the body is not JSON")
        session_id, agent_id = (
            (members.get("sessionId"), members.get("agentId")) if isinstance(members, dict) else (None, None)
        )
        if not (isinstance(session_id, str) and isinstance(agent_id, str)):
            return refusal(400, "body_incomplete", "the body lacks sessionId or agentId, or one is not a string")
        if not is_session_id(session_id):
            return refusal(400, "bad_session_id", "a session id is sess_ and 26 characters of 0-9 and a-z")
        if self._agent_id is not None and agent_id != self._agent_id:
            return refusal(400, "wrong_agent", "the session is of another agent than the one this endpoint serves")
        return session_id

    def _give(self, session_id: str, is_bound: bool) -> Response:
        # No ticket for another user's session: whoever lured that user into binding it would be taken for them.
        if not is_bound:
            return refusal(409, "session_taken", "the session is another user's: start a new one")
        return json_response(200, {"ticket": ticket(self._secret, session_id)})


def _check_user_id(user_id: str | None) -> str | None:
    if user_id is None:
        return None
    if not isinstance(user_id, str):
        raise TypeError(f"signed_in_user must give a string or None, not {type(user_id).__name__}")
    if not user_id:
        raise ValueError("signed_in_user gave an empty string: for nobody, give None")
    return user_id


def _is_of_this_site(request: Request) -> bool:
    site = request.header("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.header("Origin")
    if origin is None:
        return True
    # The scheme is left aside: behind a proxy that ends TLS, this server does not know its own.
    _, separator, host = origin.partition("://")
    return bool(separator) and host.lower() == (request.header("Host") or "").lower()


def _is_json(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "application/json"
