"""Everything docs/service.md and the README say of the service is run as it stands."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.samples import samples_folder
from tests.documents import ROOT, page
from tests.service.served import PATIENCE, Served, served

pytestmark = pytest.mark.acceptance

ADDRESS = "http://127.0.0.1:8000"
KEY = "fms_…"
SERVE = "allybin serve"


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the blocks of a page that can be run: their language and what they hold.

    A block that only starts the service is left out; it runs already.
    """
    found = re.findall(r"^```(sh|python)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    kept = [block for block in found if not _starts(block[1])]
    assert len(kept) == len(found) - 1
    return kept


def _starts(block: str) -> bool:
    first = block.strip().partition("#")[0].strip()
    return first in (SERVE, "make serve")


def script(text: str, service: Served) -> str:
    """Return one shell script of all blocks of a page, for a service that runs."""
    parts = ["set -eu"]
    for language, block in blocks(text):
        if language == "python":
            block = f"python - <<'END_OF_EXAMPLE'\n{block}END_OF_EXAMPLE\n"
        parts.append(block)
    whole = "\n".join(parts)
    assert ADDRESS in whole
    assert KEY in whole
    return whole.replace(ADDRESS, service.url).replace(KEY, service.first_key)


def run(whole: str, service: Served, folder: Path) -> str:
    """Run a script in a folder as a user would, and return what it prints."""
    (folder / "sample_requests").symlink_to(samples_folder())
    (folder / ".venv").symlink_to(sys.prefix)
    programs = str(Path(sys.executable).parent)
    own = {name: text for name, text in os.environ.items() if "ALLYBIN" not in name}
    done = subprocess.run(
        ["sh", "-c", whole],
        cwd=folder,
        env={
            **own,
            "PATH": os.pathsep.join([programs, os.environ.get("PATH", "")]),
            "ALLYBIN_DATA_DIR": str(service.folder),
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1",
        },
        capture_output=True,
        encoding="utf-8",
        timeout=5 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield what a first ``allybin serve`` is."""
    with served(tmp_path_factory.mktemp("served")) as service:
        yield service


def test_every_block_of_the_service_page_runs(service: Served, tmp_path: Path) -> None:
    text = page("docs/service.md")
    printed = run(script(text, service), service, tmp_path)

    assert "12 requests: 10 in 2 combined reviews, 2 alone" in printed
    assert "event: done" in printed
    assert '"state": "accepted"' in printed
    assert printed.rstrip().endswith("returned")
    assert (tmp_path / "proposal.xlsx").read_bytes().startswith(b"PK")
    trail = service.call("GET", "audit?action=bin.accept").json()["items"]
    assert [one["idempotency_key"] for one in trail] == ["decision-1"]


def test_the_service_page_shows_what_a_first_start_says(service: Served) -> None:
    text = page("docs/service.md")
    block = re.search(r"^```text\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    said = "".join(service.said)
    for line in block[1].splitlines():
        shown = line.replace(ADDRESS, service.url).replace(KEY, service.first_key)
        assert shown in said


def test_the_commands_of_the_readme_run_against_the_service(
    service: Served, tmp_path: Path
) -> None:
    section = page("README.md").partition("\n## Run it as a service\n")[2]
    printed = run(script(section.partition("\n## ")[0], service), service, tmp_path)

    assert "combined reviews" in printed
    assert "baltic-rocket-artillery.csv" in printed


def test_make_serve_sets_up_and_serves() -> None:
    recipe = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "serve"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.splitlines()

    assert recipe == ["sh scripts/setup.sh", ".venv/bin/allybin serve"]
