"""The README's listings run as they are."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import raw_http
import readme
import vectors
from django.urls import path
from fastapi import FastAPI
from raw_http import Answer

from buddy_verify import MemoryStore

BIND = vectors.rows("session_endpoint")[0]["body"].encode()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The first listing, alone in a folder, run by the command that stands below it."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(readme.listings()[0], encoding="utf-8")
    command = "flask --app shop run --port 8000"
    assert f"    {command}\n" in readme.README
    arguments = command.replace("8000", "0").split()
    environment = {**os.environ, "PYTHONPATH": str(readme.PACKAGE / "src"), "BUDDY_SECRET": vectors.SECRET}
    with subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            yield next(_port_in(line) for line in iter(process.stderr.readline, "") if "http://127.0.0.1:" in line)
        finally:
            process.terminate()


def _port_in(line: str) -> int:
    return int(line.rsplit(":", 1)[1])


def identify(port: int) -> Answer:
    body = vectors.BODY.replace(str(vectors.NOW).encode(), str(int(time.time())).encode())
    signature = hmac.new(vectors.SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Platform-Signature": signature}
    return raw_http.send(port, "POST", "/buddy/identity", headers, body)


def test_the_first_listing_is_a_whole_shop(port: int) -> None:
    assert identify(port).status == 204

    page = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    assert raw_http.send(port, "POST", "/buddy/session", page, BIND).status == 204

    cookie = raw_http.send(port, "POST", "/login", {}).headers["set-cookie"].partition(";")[0]
    bound = raw_http.send(port, "POST", "/buddy/session", {**page, "Cookie": cookie}, BIND)
    assert bound.json() == {"ticket": vectors.rows("session_endpoint")[0]["expect"]["ticket"]}

    assert identify(port).json() == {"userId": "ada-1815", "email": "ada@shop.example"}
    assert raw_http.send(port, "POST", "/buddy/identity", {}, vectors.BODY).status == 401


def test_the_first_listing_is_short() -> None:
    lines = [line for line in readme.listings()[0].splitlines() if line.strip()]
    assert len(lines) <= 22


def test_the_listing_for_fastapi_makes_routes_and_a_user_function() -> None:
    app = FastAPI()
    given: dict[str, Any] = {"app": app, "SECRET": vectors.SECRET, "store": MemoryStore(), "user_of": lambda _: None}
    run(readme.listing_with("buddy_verify.fastapi"), given)
    assert {"/buddy/identity", "/buddy/session"} <= {getattr(route, "path", "") for route in app.routes}
    assert asyncio.run(given["signed_in_user"](SimpleNamespace(session={"user_id": "ada"}))) == "ada"


def test_the_listing_for_django_makes_views_and_a_user_function() -> None:
    given: dict[str, Any] = {"path": path, "SECRET": vectors.SECRET, "store": MemoryStore(), "user_of": lambda _: None}
    run(readme.listing_with("buddy_verify.django"), given)
    assert [str(pattern.pattern) for pattern in given["urlpatterns"]] == ["buddy/identity", "buddy/session"]
    signed_in = SimpleNamespace(user=SimpleNamespace(pk=7, is_authenticated=True))
    assert given["signed_in_user"](signed_in) == "7"


def run(listing: str, given: dict[str, Any]) -> None:
    exec(compile(listing, str(Path("README.md")), "exec"), given)  # noqa: S102
