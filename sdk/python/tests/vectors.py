"""The published vectors, which every language's package must agree with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("BUDDY_VECTORS") or Path(__file__).resolve().parents[3] / "spec" / "vectors")

# What there is at the least: a file that lost its rows must not pass.
_ROWS_MIN = {"signature": 22, "verify": 50, "ticket": 6, "identity_endpoint": 18, "session_endpoint": 44}


def read(name: str) -> dict[str, Any]:
    file: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert len(file["vectors"]) >= _ROWS_MIN[name], f"{name}.json has lost rows"
    return file


def rows(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(name)["vectors"]
    return found


def name_of(row: dict[str, Any]) -> str:
    return str(row["name"])


SECRET: str = read("session_endpoint")["secret"]
SESSION: str = read("session_endpoint")["sessionId"]
NOW: int = read("identity_endpoint")["now"]

_SIGNED = rows("identity_endpoint")[0]
#: The first row's request: rightly signed.
BODY: bytes = _SIGNED["body"].encode()
HEADERS: dict[str, str] = _SIGNED["headers"]
