"""Your functions, sync or async, as an endpoint needs them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import Any, Callable, TypeVar, Union

T = TypeVar("T")
MaybeAwaitable = Union[T, Awaitable[T]]
#: A framework's way to run a sync function without holding up the event loop.
InThread = Callable[..., Awaitable[Any]]


def now_or_never(name: str, given: MaybeAwaitable[T]) -> T:
    """What a function gave to an endpoint that does not await. Raises `TypeError` if it is to be awaited."""
    if not inspect.isawaitable(given):
        return given
    if inspect.iscoroutine(given):
        given.close()
    raise TypeError(f"{name} is async, and this endpoint is not: use answer_async, or a sync function")


async def settled(given: MaybeAwaitable[T]) -> T:
    """What a function gave, awaited if need be."""
    return await given if inspect.isawaitable(given) else given


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives something to await: an async function, or an object that is called as one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def off_the_loop(function: Callable[..., MaybeAwaitable[T]], in_thread: InThread) -> Callable[..., Awaitable[T]]:
    """The function as an async one. A sync one is run by `in_thread(function, *args)`: it may block."""
    if is_async(function):
        return function  # type: ignore[return-value]

    async def call(*args: Any) -> T:
        return await settled(await in_thread(function, *args))

    return call
