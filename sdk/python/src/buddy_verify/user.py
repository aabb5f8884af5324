"""The user that your function gives, checked here so that a mistake shows in your log and not in Buddy's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Optional, TypedDict, Union

from .errors import InvalidUserError

# Buddy's limits: see "What you may answer" in the wire format.
_USER_ID_CHARS_MAX = 256
_EMAIL_CHARS_MAX = 320
_ROLE_CHARS_MAX = 128
# The first integer of more digits than a user id may have characters.
_USER_ID_INTEGER_END = 10**_USER_ID_CHARS_MAX

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


# Not as X | Y: what reads such a class's types, as pydantic does, cannot read that in Python 3.9.
class _UserId(TypedDict):
    userId: Union[str, int]  # noqa: UP007


class User(_UserId, total=False):
    """A user, with the names of the wire format. What is None is left out; other members are not sent."""

    email: Optional[str]  # noqa: UP045
    role: Optional[str]  # noqa: UP045
    customAttributes: Optional[Mapping[str, object]]  # noqa: UP045


def check_user(user: Mapping[str, object]) -> dict[str, object]:
    """The members that go out. Raises `InvalidUserError`."""
    if not isinstance(user, Mapping):
        raise InvalidUserError(f"a user is a dict with userId, or None for nobody; not {_kind(user)}")
    checked: dict[str, object] = {"userId": _user_id(user.get("userId"))}
    for name, chars_max in (("email", _EMAIL_CHARS_MAX), ("role", _ROLE_CHARS_MAX)):
        if (value := user.get(name)) is not None:
            checked[name] = _text(name, value, chars_max)
    if (attributes := user.get("customAttributes")) is not None:
        checked["customAttributes"] = _attributes(attributes)
    return checked


def _user_id(value: object) -> str | int:
    if isinstance(value, int) and not isinstance(value, bool):
        # The sign is a character too.
        if -(_USER_ID_INTEGER_END // 10) < value < _USER_ID_INTEGER_END:
            return value
        raise InvalidUserError(f"userId has more than {_USER_ID_CHARS_MAX} digits")
    if value is None:
        raise InvalidUserError("userId is missing: for nobody, give None in place of the user")
    text = _text("userId", value, _USER_ID_CHARS_MAX, or_else=" or an integer")
    if not text.strip():
        raise InvalidUserError("userId is blank")
    if _CONTROL.search(text):
        raise InvalidUserError("userId has a control character")
    return text


def _text(name: str, value: object, chars_max: int, or_else: str = "") -> str:
    if not isinstance(value, str):
        raise InvalidUserError(f"{name} must be a string{or_else}, not {_kind(value)}")
    if len(value) > chars_max:
        raise InvalidUserError(f"{name} has more than {chars_max} characters")
    if _SURROGATE.search(value):
        raise InvalidUserError(f"{name} is not Unicode text: it has half of a surrogate pair")
    return value


def _attributes(value: object) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidUserError(f"customAttributes must be a dict, not {_kind(value)}")
    attributes = dict(value)
    try:
        json.dumps(attributes, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        # Its text may hold a value, and this one goes to the log: only its kind is said.
        raise InvalidUserError(f"customAttributes cannot be written as JSON: {_reason(error)}") from None
    return attributes


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "it has half of a surrogate pair"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    # These name a type (`Object of type Decimal is not JSON serializable`) or nothing at all of what is in it.
    return str(error) if isinstance(error, TypeError) else "it has NaN, an infinity or a circle"


def _kind(value: object) -> str:
    return type(value).__name__
