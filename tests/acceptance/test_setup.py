"""The set-up of a fresh machine: what it says when it cannot work, what it pins."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)

pytestmark = pytest.mark.acceptance


def pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / name).read_text(encoding="utf-8")))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy what the set-up reads into a folder without a .venv."""
    for name in ("requirements.lock", "pyproject.toml", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    return tmp_path


def interpreter(folder: Path, version: str) -> Path:
    """Write a stand-in for an old Python: fails each check but tells its version."""
    path = folder / f"python{version}"
    path.write_text(
        '#!/bin/sh\ncase "$2" in *python_version*) echo ' + version + ";; "
        "*) exit 1;; esac\n"
    )
    path.chmod(0o755)
    return path


def make_setup(folder: Path, python: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--silent", "setup"],
        cwd=folder,
        env=os.environ | {"PYTHON": str(python)},
        capture_output=True,
        text=True,
    )


def test_old_python_is_named_in_one_sentence(copy: Path) -> None:
    python = interpreter(copy, "3.11.7")

    done = make_setup(copy, python)

    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        f"setup: allybin needs Python 3.12 or newer; {python} is 3.11.7 "
        "(install it, or name one: make PYTHON=/path/to/python3.13 setup)."
    )
    assert not (copy / ".venv").exists()


def test_missing_python_is_named_in_one_sentence(copy: Path) -> None:
    done = make_setup(copy, copy / "nowhere")

    assert done.returncode != 0
    assert f"{copy / 'nowhere'} does not run" in done.stderr.splitlines()[0]


def test_both_locks_pin_the_same_versions() -> None:
    everything, shipped = pins("requirements.lock"), pins("requirements-runtime.lock")

    assert len(shipped) > 13  # the dependencies and what they need
    assert shipped.items() <= everything.items()
    assert "pytest" not in shipped


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-runtime.lock"])
def test_locks_pin_every_file_by_hash_and_name_no_host(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]

    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "find-links" not in text
