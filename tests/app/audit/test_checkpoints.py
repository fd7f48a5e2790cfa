"""Checkpoints: signed, kept outside the database, and believed only when whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from app.audit.chain import append
from app.audit.checkpoints import FILE, KEY_FILE, CheckpointFailed, read, rotate, write
from app.audit.witness import Witness
from app.storage.database import Database
from tests.app.audit.world import entry
from tests.documents import ROOT

HASHES = ("ab" * 32, "cd" * 32, "ef" * 32)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Return a folder with three checkpoints."""
    for size, digest in enumerate(HASHES, start=1):
        write(tmp_path, size=size, digest=digest)
    return tmp_path


def test_what_was_written_is_read(three: Path) -> None:
    found = read(three / FILE)
    assert found.findings == ()
    assert [(one.size, one.hash) for one in found.checkpoints] == [
        *enumerate(HASHES, start=1)
    ]


def test_any_change_of_any_line_is_found(three: Path) -> None:
    path = three / FILE
    lines = path.read_text().splitlines()
    changed = 0
    for number, line in enumerate(lines):
        for place in range(0, len(line), 7):
            other = "0" if line[place] != "0" else "1"
            forged = line[:place] + other + line[place + 1 :]
            path.write_text(
                "\n".join([*lines[:number], forged, *lines[number + 1 :]]) + "\n"
            )
            assert read(path).findings, forged
            changed += 1
    assert changed > 100


def test_a_line_a_crash_left_half_written_is_no_finding(three: Path) -> None:
    path = three / FILE
    with path.open("a") as lines:
        lines.write('{"at":"2026-')
    assert read(path).findings == ()
    write(three, size=4, digest=HASHES[0])
    found = read(path)
    assert found.findings == ()
    assert [one.size for one in found.checkpoints] == [1, 2, 3, 4]


def test_a_new_key_is_vouched_for_by_the_one_before(three: Path) -> None:
    first = read(three / FILE).checkpoints[0].key_id
    second = rotate(three)
    made = write(three, size=4, digest=HASHES[0])
    found = read(three / FILE, trusted=first)
    assert found.findings == ()
    assert [one.key_id for one in found.checkpoints] == [first, first, first, second]
    assert made.key_id == second


def test_a_key_no_one_vouches_for_is_refused(three: Path) -> None:
    """Who can write the folder but has not the old key cannot go on in its name."""
    (three / KEY_FILE).unlink()
    with pytest.raises(CheckpointFailed, match="not there to vouch for it"):
        write(three, size=4, digest=HASHES[0])


def test_a_file_begun_anew_is_found_by_who_knows_the_first_key(three: Path) -> None:
    known = read(three / FILE).checkpoints[0].key_id
    (three / FILE).unlink()
    (three / KEY_FILE).unlink()
    write(three, size=1, digest=HASHES[1])
    assert read(three / FILE).findings == ()
    forged = read(three / FILE, trusted=known)
    assert forged.checkpoints == ()
    assert forged.findings != ()


def test_the_key_is_for_its_owner_alone(three: Path) -> None:
    assert (three / KEY_FILE).stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file where the folder should be")
    with pytest.raises(CheckpointFailed, match="nothing vouches for its end"):
        write(tmp_path / "audit", size=1, digest=HASHES[0])


def test_a_key_that_is_none_is_said(three: Path) -> None:
    (three / KEY_FILE).write_text("my password")
    with pytest.raises(CheckpointFailed, match="is no signing key") as refused:
        write(three, size=4, digest=HASHES[0])
    assert "my password" not in str(refused.value)


def test_every_hundred_records_there_is_a_checkpoint(
    database: Database, tmp_path: Path
) -> None:
    witness = Witness(database, tmp_path / "audit")
    for turn in range(205):
        with database.writing() as connection:
            seq = append(connection, entry("key.make", f"key/{turn}"))
        witness.noticed(seq)
    witness.stop()
    sizes = [one.size for one in read(tmp_path / "audit" / FILE).checkpoints]
    assert sizes == [100, 200, 205]


def test_a_checkpoint_that_fails_is_kept_in_mind_and_stops_nothing(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "audit"
    folder.write_text("a file where the folder should be")
    witness = Witness(database, folder)
    witness.noticed(100)
    assert witness.failed is not None
    folder.unlink()
    witness.noticed(200)
    assert witness.failed is None
    with database.reading() as connection:
        assert connection.execute(text("SELECT seq FROM audit_head")).scalar() == 0


WRITE_THIRTY = """
import sys
from pathlib import Path
from app.audit.checkpoints import write
for size in range(30):
    write(Path(sys.argv[1]), size=size, digest="ab" * 32)
"""


def test_processes_do_not_mix_their_lines(tmp_path: Path) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE_THIRTY, str(tmp_path)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for _ in range(3)
    ]
    assert [child.wait() for child in children] == [0, 0, 0]
    found = read(tmp_path / FILE)
    assert found.findings == ()
    assert len(found.checkpoints) == 90
