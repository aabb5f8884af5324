"""Your side of Buddy's identity callback. The framework adapters are the modules `flask`, `fastapi` and `django`."""

from .errors import BodyConsumedError, InvalidUserError, VerifyError
from .http import BODY_BYTES_MAX, Request, Response
from .identity import IdentityEndpoint, log_refusal
from .session import SessionEndpoint
from .store import BINDING_SECONDS, BINDINGS_MAX, AsyncBindingStore, BindingStore, MemoryStore
from .user import User
from .verification import TOLERANCE_SECONDS, Callback, ticket, verify

__all__ = [
    "BINDINGS_MAX",
    "BINDING_SECONDS",
    "BODY_BYTES_MAX",
    "TOLERANCE_SECONDS",
    "AsyncBindingStore",
    "BindingStore",
    "BodyConsumedError",
    "Callback",
    "IdentityEndpoint",
    "InvalidUserError",
    "MemoryStore",
    "Request",
    "Response",
    "SessionEndpoint",
    "User",
    "VerifyError",
    "log_refusal",
    "ticket",
    "verify",
]
