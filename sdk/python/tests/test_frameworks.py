"""Every row of the endpoint vectors, through every framework, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import raw_http
import vectors
from raw_http import Answer
from stacks import STACKS, AsyncStore, Stack

from buddy_verify import MemoryStore

IDENTITY = vectors.rows("identity_endpoint")
SESSION = vectors.rows("session_endpoint")


class Served:
    """One server for all rows: each has a path, and handlers, of its own."""

    def __init__(self, stack: Stack) -> None:
        self.port = 0
        self.stores: list[MemoryStore] = []
        self.refused: list[tuple[str, str]] = []
        self.handlers: dict[str, Any] = {}
        for at, row in enumerate(IDENTITY):
            self.handlers[f"/identity/{at}"] = stack.module.identity_endpoint(
                row["secrets"],
                stack.giving(row["user"]),
                agent_id=row["agentId"],
                on_refused=lambda code, message: self.refused.append((code, message)),
                clock=lambda: float(vectors.NOW),
            )
        for at, row in enumerate(SESSION):
            async_store = AsyncStore()
            self.stores.append(async_store.store)
            self.handlers[f"/session/{at}"] = stack.module.session_endpoint(
                vectors.SECRET,
                async_store if stack.takes_async_store else async_store.store,
                stack.giving(row["signedIn"]),
                agent_id=row["agentId"],
            )

    def play(self, path: str, row: dict[str, Any]) -> Answer:
        answer = raw_http.send(self.port, row["method"], path, row["headers"], row["body"].encode())
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        return answer


@pytest.fixture(scope="module", params=STACKS, ids=lambda stack: stack.name)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    served = Served(request.param)
    with request.param.serve(served.handlers) as served.port:
        yield served


def _assert_is(expect: dict[str, Any], answer: Answer) -> None:
    # The router of Flask and of FastAPI answers another method itself.
    if expect["status"] == 405:
        assert answer.status in (404, 405)
        return
    assert answer.status == expect["status"], answer
    assert answer.headers["cache-control"] == "no-store"
    if "error" in expect:
        refusal = answer.json()
        assert refusal.keys() == {"error", "message"}
        assert refusal["error"] == expect["error"]
    elif expect["status"] == 204:
        assert answer.body == b""
        assert "content-type" not in answer.headers


@pytest.mark.parametrize("at", range(len(IDENTITY)), ids=[vectors.name_of(row) for row in IDENTITY])
def test_the_identity_endpoint_answers_as_the_vector_says(served: Served, at: int) -> None:
    row, expect = IDENTITY[at], IDENTITY[at]["expect"]
    served.refused.clear()
    answer = served.play(f"/identity/{at}", row)
    _assert_is(expect, answer)
    if expect["status"] == 200:
        assert answer.json() == expect["json"]
    if "error" in expect and expect["status"] != 405:
        assert served.refused == [(expect["error"], answer.json()["message"])]


@pytest.mark.parametrize("at", range(len(SESSION)), ids=[vectors.name_of(row) for row in SESSION])
def test_the_session_endpoint_answers_and_binds_as_the_vector_says(served: Served, at: int) -> None:
    row, expect, store = SESSION[at], SESSION[at]["expect"], served.stores[at]
    if row["boundTo"] is not None:
        store.bind(vectors.SESSION, row["boundTo"])
    answer = served.play(f"/session/{at}", row)
    _assert_is(expect, answer)
    if expect["status"] == 200:
        assert answer.json() == {"ticket": expect["ticket"]}
    assert store.find(vectors.SESSION) == expect["boundTo"]
