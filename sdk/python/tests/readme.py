"""The listings of README.md, as they are printed there."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
README = (PACKAGE / "README.md").read_text(encoding="utf-8")


def listings() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def listing_with(text: str) -> str:
    [found] = [listing for listing in listings() if text in listing]
    return found
