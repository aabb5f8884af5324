"""What is published: a wheel that installs into an empty environment, with nothing beside it."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
import readme


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=readme.PACKAGE, check=True, capture_output=True)
    assert len(list(folder.glob("*.tar.gz"))) == 1
    [wheel] = folder.glob("*.whl")
    return wheel


def test_the_wheel_holds_the_package_its_types_and_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [message_from_bytes(archive.read(name)) for name in names if name.endswith("METADATA")]
    assert wheel.name == "buddy_verify-0.1.0-py3-none-any.whl"
    assert "buddy_verify/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names} == {"buddy_verify", "buddy_verify-0.1.0.dist-info"}
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("Apache-2.0", ">=3.9")
    assert [needed for needed in metadata.get_all("Requires-Dist", []) if "extra ==" not in needed] == []


def test_the_wheel_installs_into_an_empty_environment_and_imports(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "empty", with_pip=False)
    python = tmp_path / "empty" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-index", str(wheel)], check=True)
    # All that is exported is there, and no framework was needed for it.
    program = (
        "from buddy_verify import *; print(ticket('sixteen-letters.', 'sess_' + 26 * '0')[:8], MemoryStore().find('s'))"
    )
    said = subprocess.run([python, "-I", "-c", program], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert said.stdout.split()[1] == "None"


def test_the_licence_is_the_projects() -> None:
    assert (
        (readme.PACKAGE / "LICENSE").read_text().startswith((readme.PACKAGE.parents[1] / "LICENSE").read_text()[:100])
    )
