"""The store in memory."""

from __future__ import annotations

import threading

import vectors

from buddy_verify import BINDING_SECONDS, BINDINGS_MAX, MemoryStore


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_user_wins() -> None:
    store = MemoryStore()
    assert store.bind("s", "ada")
    assert not store.bind("s", "grace")
    assert store.bind("s", "ada")
    assert store.find("s") == "ada"
    assert store.find("t") is None


def test_a_binding_ends_after_600_seconds_and_binding_again_does_not_extend_it() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    store.bind("s", "ada")
    clock.now = BINDING_SECONDS - 1
    assert store.bind("s", "ada")
    assert not store.bind("s", "grace")
    clock.now = BINDING_SECONDS
    assert store.find("s") is None
    assert store.bind("s", "grace")


def test_the_seconds_are_the_vectors() -> None:
    assert vectors.read("session_endpoint")["bindingSeconds"] == BINDING_SECONDS


def test_a_full_store_forgets_the_oldest_and_the_same_user_again_forgets_none() -> None:
    store = MemoryStore()
    for number in range(BINDINGS_MAX):
        store.bind(str(number), "ada")
    assert store.bind("1", "ada")
    assert store.find("0") == "ada"
    store.bind("new", "grace")
    assert [store.find(session_id) for session_id in ("0", "1", "new")] == [None, "ada", "grace"]


def test_of_many_threads_that_bind_one_session_one_wins() -> None:
    store = MemoryStore()
    barrier = threading.Barrier(8)
    won: list[str] = []

    def bind(user_id: str) -> None:
        barrier.wait()
        if store.bind("s", user_id):
            won.append(user_id)

    threads = [threading.Thread(target=bind, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [store.find("s")]
