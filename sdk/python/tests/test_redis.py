"""The README's Redis store, against a real Redis."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import readme
import redis
import redis.asyncio
import vectors
from stacks import giving_async

from buddy_verify import BINDING_SECONDS, Request, SessionEndpoint


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    server = shutil.which("redis-server")
    if server is None:
        pytest.fail("redis-server is missing: install it (on Debian: apt-get install redis-server)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    options = {"--port": str(port), "--bind": "127.0.0.1", "--save": "", "--appendonly": "no", "--dir": str(folder)}
    command = [server, *(part for option in options.items() for part in option)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            is_up = any("Ready to accept connections" in line for line in iter(process.stdout.readline, ""))
            assert is_up, "redis-server ended"
            yield port
        finally:
            process.terminate()


def store_of(source: str, client: Any) -> Any:
    module: dict[str, Any] = {"__name__": "redis_store"}
    exec(compile(source, "redis_store.py", "exec"), module)  # noqa: S102
    return module["RedisStore"](client)


def sync_source() -> str:
    return readme.listing_with("class RedisStore")


def async_source() -> str:
    """What the README says of redis.asyncio, done to its listing."""
    source = re.sub(r"^    def (bind|find)", r"    async def \1", sync_source(), flags=re.MULTILINE)
    return re.sub(r"self\.client\.(set|get)", r"await self.client.\1", source)


@pytest.fixture
def client(port: int) -> Iterator[Any]:
    with redis.Redis(port=port, decode_responses=True) as client:
        client.flushall()
        yield client


def test_the_store_of_the_readme_keeps_the_rules(client: Any) -> None:
    store = store_of(sync_source(), client)
    assert store.find("s") is None
    assert store.bind("s", "Zoë")
    assert not store.bind("s", "grace")
    assert store.find("s") == "Zoë"
    assert 0 < client.ttl("buddy:s") <= BINDING_SECONDS

    client.expire("buddy:s", 7)
    assert store.bind("s", "Zoë")
    assert client.ttl("buddy:s") <= 7, "binding again must not extend it"

    client.persist("buddy:s")
    client.delete("buddy:s")
    assert store.bind("s", "grace")


def test_the_async_store_of_the_readme_serves_a_session_endpoint(client: Any, port: int) -> None:
    row = vectors.rows("session_endpoint")[0]
    request = Request(row["method"], row["headers"], row["body"].encode())

    async def bind() -> None:
        async with redis.asyncio.Redis(port=port, decode_responses=True) as connection:
            store = store_of(async_source(), connection)
            endpoints = [SessionEndpoint(vectors.SECRET, store, giving_async(user_id)) for user_id in ("ada", "grace")]
            assert [(await endpoint.answer_async(request)).status for endpoint in endpoints] == [200, 409]
            assert await store.find(vectors.SESSION) == "ada"

    asyncio.run(bind())
    assert client.get("buddy:" + vectors.SESSION) == "ada"
