"""What ``allybin doctor`` calls wrong."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.audit.chain import append
from app.audit.witness import Witness
from app.server.checkup import UNSIGNED_RECORDS, checkup
from app.settings import Settings, read_settings
from app.storage.database import Database
from optimizer.selection import canaries
from tests.app.audit.world import entry
from tests.databases import of_service


@pytest.fixture
def settings(address: str, tmp_path: Path) -> Settings:
    """Return the settings of a store as the service comes in."""
    url = SecretStr(of_service(address))
    return read_settings(data_dir=tmp_path / "data", database_url=url)


def test_nothing_is_wrong_at_first(settings: Settings) -> None:
    found = checkup(settings)
    assert found["wrong"] == []
    assert found["in_force"]["solver"].startswith("sound")
    assert found["in_force"]["audit_records_signed"] == "0"


def test_records_that_nothing_vouches_for_are_told_of(
    settings: Settings, database: Database
) -> None:
    for turn in range(UNSIGNED_RECORDS + 1):
        with database.writing() as connection:
            append(connection, entry("key.make", f"key/{turn}"))
    (wrong,) = checkup(settings)["wrong"]
    assert wrong.startswith(f"The last checkpoint is {UNSIGNED_RECORDS + 1} records")
    Witness(database, settings.checkpoints).write()
    assert checkup(settings)["wrong"] == []


def test_a_checkpoint_that_was_changed_is_told_of(
    settings: Settings, database: Database
) -> None:
    Witness(database, settings.checkpoints).write()
    kept = settings.checkpoints / "checkpoints.ndjson"
    assert kept.is_file()
    with database.writing() as connection:
        append(connection, entry("key.make", "key/1"))
    Witness(database, settings.checkpoints).write()
    lines = kept.read_text().splitlines()
    kept.write_text("\n".join(lines[:-1]) + "\n")  # whole, and older
    assert checkup(settings)["wrong"] == []
    kept.write_text("\n".join([*lines[:-1], lines[-1][:-9]]) + "\n")
    assert checkup(settings)["wrong"]


def test_an_unsound_solver_is_told_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(canaries.MODELS, "mixed", (lambda: 15.0, 9.0))
    (wrong,) = checkup(settings)["wrong"]
    assert "not used" in wrong
    assert "9, not 15" in wrong
