"""Real servers, each on a free port of the loopback address, in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import uvicorn
from flask import Flask
from werkzeug.serving import make_server as make_werkzeug_server


@contextmanager
def werkzeug(app: Flask) -> Iterator[int]:
    server = make_werkzeug_server("127.0.0.1", 0, app, threaded=True)
    with _in_thread(server.serve_forever, server.shutdown):
        yield server.server_port
    server.server_close()


@contextmanager
def wsgiref(app: Any) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, handler_class=_QuietHandler)
    with server, _in_thread(server.serve_forever, server.shutdown):
        yield server.server_port


@contextmanager
def asgi(app: Any) -> Iterator[int]:
    # log_config=None leaves its logs to pytest, which can then look into them.
    server = _StartedServer(uvicorn.Config(app, log_config=None, lifespan="off"))
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, _in_thread(lambda: server.run(sockets=[listener]), server.stop):
        server.is_up.wait()
        yield listener.getsockname()[1]


class _StartedServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    def stop(self) -> None:
        self.should_exit = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def _in_thread(run: Any, stop: Any) -> Iterator[None]:
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()
