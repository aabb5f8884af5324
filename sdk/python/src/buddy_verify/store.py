"""Whose session is it: what the session endpoint notes and the identity endpoint looks up."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Callable, Protocol

from .functions import InThread, off_the_loop

#: Buddy asks as soon as the page has handed over its ticket; ten minutes are ample for a slow page.
BINDING_SECONDS = 600
#: What a store in memory holds at most, some 30 MB: whoever binds without end cannot fill the memory.
BINDINGS_MAX = 100_000


class BindingStore(Protocol):
    """Notes session -> user for `BINDING_SECONDS`. Calls come from several threads at once."""

    def bind(self, session_id: str, user_id: str) -> bool:
        """Whether the session is that user's now. The first user wins, atomically; binding again extends nothing."""

    def find(self, session_id: str) -> str | None:
        """The id of the session's user, or None."""


class AsyncBindingStore(Protocol):
    """A `BindingStore` that is awaited."""

    async def bind(self, session_id: str, user_id: str) -> bool:
        """Whether the session is that user's now. The first user wins, atomically; binding again extends nothing."""

    async def find(self, session_id: str) -> str | None:
        """The id of the session's user, or None."""


class MemoryStore:
    """A `BindingStore` in this process's memory. With several processes, use one that they share."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # All bindings last equally long, so the oldest, which is first, also ends first.
        self._bindings: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def bind(self, session_id: str, user_id: str) -> bool:
        """Whether the session is that user's now."""
        with self._lock:
            now = self._clock()
            self._forget_ended(now)
            if session_id in self._bindings:
                return self._bindings[session_id][0] == user_id
            if len(self._bindings) >= BINDINGS_MAX:
                self._bindings.popitem(last=False)
            self._bindings[session_id] = (user_id, now + BINDING_SECONDS)
            return True

    def find(self, session_id: str) -> str | None:
        """The id of the session's user, or None."""
        with self._lock:
            self._forget_ended(self._clock())
            user_id, _ = self._bindings.get(session_id, (None, 0.0))
            return user_id

    def _forget_ended(self, now: float) -> None:
        while self._bindings:
            session_id, (_, end) = next(iter(self._bindings.items()))
            if end > now:
                return
            del self._bindings[session_id]


class ThreadedStore:
    """An `AsyncBindingStore` over any store; what is sync in it is run by `in_thread(function, *args)`."""

    def __init__(self, store: BindingStore | AsyncBindingStore, in_thread: InThread) -> None:
        self._bind = off_the_loop(store.bind, in_thread)
        self._find = off_the_loop(store.find, in_thread)

    async def bind(self, session_id: str, user_id: str) -> bool:
        """Whether the session is that user's now."""
        return await self._bind(session_id, user_id)

    async def find(self, session_id: str) -> str | None:
        """The id of the session's user, or None."""
        return await self._find(session_id)
