"""The identity endpoint: Buddy asks who the user of a session is."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Callable, Optional

from .errors import VerifyError
from .functions import MaybeAwaitable, now_or_never, settled
from .http import BODY_BYTES_MAX, Request, Response, json_response, no_content, refusal
from .user import check_user
from .verification import Callback, Secrets, check_secrets, verify

#: From a session id to a `User`, or to None for nobody.
UserFunction = Callable[[str], MaybeAwaitable[Optional[Mapping[str, object]]]]
#: Is told the code and the message of each refusal.
OnRefused = Callable[[str, str], None]

_logger = logging.getLogger("buddy_verify")


def log_refusal(code: str, message: str) -> None:
    """One warning in the log of the name `buddy_verify`."""
    _logger.warning("buddy: refused a callback (%s): %s", code, message)


class IdentityEndpoint:
    """Answers Buddy's callbacks: 200 with the user, 204 for nobody, 401 for what is not Buddy's.

    Raises `VerifyError` with `no_secret` or `bad_secret` when it is made.
    """

    def __init__(
        self,
        secrets: Secrets,
        user: UserFunction,
        *,
        agent_id: str | None = None,
        on_refused: OnRefused = log_refusal,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secrets = check_secrets(secrets)
        self._user = user
        self._agent_id = agent_id
        self._on_refused = on_refused
        self._clock = clock

    def answer(self, request: Request) -> Response:
        """The answer. What your function raises is passed on; `InvalidUserError` if its user is not valid."""
        asked = self._ask(request)
        if isinstance(asked, Response):
            return asked
        return _tell(now_or_never("user", self._user(asked.session_id)))

    async def answer_async(self, request: Request) -> Response:
        """As `answer`, for an async function too."""
        asked = self._ask(request)
        if isinstance(asked, Response):
            return asked
        return _tell(await settled(self._user(asked.session_id)))

    def _ask(self, request: Request) -> Callback | Response:
        if request.method != "POST":
            return self._refuse(405, "method_not_allowed", "a callback is a POST")
        body = request.body_within_limit()
        if body is None:
            return self._refuse(413, "too_large", f"a callback has at most {BODY_BYTES_MAX} bytes: not from Buddy")
        try:
            return verify(
                body,
                request.header("X-Platform-Signature"),
                self._secrets,
                int(self._clock()),
                agent_id=self._agent_id,
            )
        except VerifyError as error:
            return self._refuse(401, error.code, str(error))

    def _refuse(self, status: int, code: str, message: str) -> Response:
        self._on_refused(code, message)
        return refusal(status, code, message)


def _tell(user: Mapping[str, object] | None) -> Response:
    return no_content() if user is None else json_response(200, check_user(user))
