"""All result files or none."""

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from app.export import staging as staging_module
from app.export.errors import OutputRefused
from app.export.staging import Staging
from app.export.write import refuse_output, write_results
from tests.app.export.factories import Sample, stages_notes

ROOT = Path(__file__).parents[3]
NAMES = {"proposal.json", "bins.csv", "proposal.xlsx", "report.html"}


def put(
    made: Sample, folder: Path, *, force: bool = False, inputs: tuple[Path, ...] = ()
) -> tuple[Path, ...]:
    return write_results(
        folder,
        made.document,
        made.batch,
        made.policy,
        made.catalogue,
        stages_notes=stages_notes(),
        force=force,
        inputs=inputs,
    )


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(params=["unnamed", "named"])
def drafts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write drafts without names, then as a file system without such files would."""
    if request.param == "named":
        monkeypatch.setattr(staging_module, "_UNNAMED", 0)


@pytest.mark.usefixtures("drafts")
def test_four_files_and_nothing_else(six_bins: Sample, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "deep"
    written = put(six_bins, folder)
    assert written[0] == folder / "proposal.json"
    assert {path.name for path in written} == NAMES
    assert set(content(folder)) == NAMES


@pytest.mark.usefixtures("drafts")
def test_existing_results_stay_unless_forced(six_bins: Sample, tmp_path: Path) -> None:
    (tmp_path / "proposal.json").write_text("mine")
    with pytest.raises(OutputRefused, match=r"proposal\.json exists.*--force") as error:
        put(six_bins, tmp_path)
    assert error.value.exit_code == 2
    assert content(tmp_path) == {"proposal.json": b"mine"}
    put(six_bins, tmp_path, force=True)
    assert set(content(tmp_path)) == NAMES
    assert content(tmp_path)["proposal.json"] != b"mine"


def test_same_proposal_gives_the_same_bytes(six_bins: Sample, tmp_path: Path) -> None:
    put(six_bins, tmp_path / "one")
    put(six_bins, tmp_path / "two")
    assert content(tmp_path / "one") == content(tmp_path / "two")


@pytest.mark.parametrize("kind", ["same", "symbolic", "hard"])
def test_an_input_is_never_overwritten(
    six_bins: Sample, tmp_path: Path, kind: str
) -> None:
    target = source = tmp_path / "bins.csv"
    target.write_text("requests")
    if kind == "symbolic":
        source = tmp_path / "link.csv"
        source.symlink_to(target)
    elif kind == "hard":
        source = tmp_path / "link.csv"
        source.hardlink_to(target)
    with pytest.raises(OutputRefused, match="is an input of this run") as error:
        put(six_bins, tmp_path, force=True, inputs=(source,))
    assert error.value.exit_code == 2
    assert target.read_text() == "requests"


def test_standard_input_is_no_file_to_protect(six_bins: Sample, tmp_path: Path) -> None:
    assert put(six_bins, tmp_path, inputs=(Path("-"),))


def test_a_file_for_a_folder_is_refused(six_bins: Sample, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("")
    with pytest.raises(OutputRefused, match="is a file") as error:
        put(six_bins, target)
    assert error.value.exit_code == 2


def test_a_folder_for_a_result_is_refused(six_bins: Sample, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputRefused, match="is a folder") as error:
        put(six_bins, tmp_path, force=True)
    assert error.value.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_cannot_be_made_is_said(six_bins: Sample) -> None:
    with pytest.raises(OutputRefused, match="cannot be written") as error:
        put(six_bins, Path("/proc/allybin-out"))
    assert error.value.exit_code == 1


def test_output_is_refused_before_any_work(tmp_path: Path) -> None:
    refuse_output(tmp_path / "new", force=False, inputs=())
    (tmp_path / "report.html").write_text("")
    with pytest.raises(OutputRefused, match=r"report\.html exists"):
        refuse_output(tmp_path, force=False, inputs=())
    refuse_output(tmp_path, force=True, inputs=())


def test_a_fault_while_writing_leaves_the_old_results(
    six_bins: Sample, tmp_path: Path
) -> None:
    put(six_bins, tmp_path)
    before = content(tmp_path)
    six_bins.document["gap"] = float("nan")  # found last, by proposal.json
    with pytest.raises(ValueError, match="not JSON compliant"):
        put(six_bins, tmp_path, force=True)
    assert content(tmp_path) == before


@pytest.mark.usefixtures("drafts")
def test_a_target_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    with Staging(tmp_path, force=False) as drafts_:
        drafts_.open("a").write(b"new")
        drafts_.open("b").write(b"new")
        (tmp_path / "b").write_text("theirs")
        with pytest.raises(OutputRefused, match="exists"):
            drafts_.publish()
    assert content(tmp_path) == {"b": b"theirs"}


WRITER = """
import resource, sys
from pathlib import Path
from app.export.errors import OutputRefused
from app.export.write import write_results
from tests.app.export.factories import many, stages_notes
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
made = many(1500)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
print("ready", flush=True)
while True:
    try:
        write_results(
            folder, made.document, made.batch, made.policy, made.catalogue,
            stages_notes=stages_notes(), force=True, inputs=(),
        )
    except OutputRefused as error:
        print(error)
        sys.exit(error.exit_code)
"""


def start_writer(folder: Path, limit: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(limit)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("delay", [0.05, 0.4, 0.9])
def test_a_killed_writer_leaves_the_old_results_or_whole_new_ones(
    six_bins: Sample, tmp_path: Path, delay: float
) -> None:
    put(six_bins, tmp_path)
    old = content(tmp_path)
    with start_writer(tmp_path) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(delay)
        child.kill()
        child.communicate()
    found = content(tmp_path)
    assert set(found) >= NAMES
    # No draft lies about, but for a kill in the instant between its two names.
    assert len(found) <= len(NAMES) + 1
    ends = {"proposal.json": b"}\n", "bins.csv": b"\n", "report.html": b"</html>\n"}
    for name, end in ends.items():
        assert found[name] == old[name] or found[name].endswith(end)
    with zipfile.ZipFile(tmp_path / "proposal.xlsx") as book:
        assert book.testzip() is None


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    # A limit on file size fails a write as a full disk does; bins.csv alone passes it.
    with start_writer(tmp_path, limit=20_000) as child:
        output, errors = child.communicate(timeout=30)
    assert child.returncode == 1
    assert "The results cannot be written to" in output
    assert "Traceback" not in errors
    assert content(tmp_path) == {}
