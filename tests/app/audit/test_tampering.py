"""Whatever is changed behind the service's back is found, and where it was changed.

``--tamperings N`` says how many of the single tamperings are tried; all of them, more
than a thousand, with ``--tamperings 0``.
"""

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, event, make_url, select, text

from app.audit import checkpoints
from app.audit.chain import append
from app.audit.found import Checkpoint, Verified
from app.audit.verify import verify
from app.storage.database import Database
from app.storage.schema import audit_head
from tests.app.audit.tampering import Tampering, cut, every_one, write_anew
from tests.app.audit.world import decide, entry, fill


@contextmanager
def owner_of(address: str) -> Iterator[Connection]:
    """Yield a connection to which nothing is forbidden; what it does is undone."""
    url = make_url(address)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _all_allowed(connection, _record):  # type: ignore[no-untyped-def]
        if engine.dialect.name == "sqlite":
            connection.isolation_level = None
            connection.execute("PRAGMA foreign_keys=0")
            connection.execute("PRAGMA ignore_check_constraints=1")

    @event.listens_for(engine, "begin")
    def _begin(connection):  # type: ignore[no-untyped-def]
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")

    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            kept = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in connection.execute(text(kept)).scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield connection
        connection.rollback()
    engine.dispose()


def sign(database: Database, folder: Path) -> Checkpoint:
    """Write a checkpoint of what is there now."""
    with database.reading() as connection:
        head = connection.execute(select(audit_head)).mappings().one()
    return checkpoints.write(folder, size=head["seq"], digest=head["hash"])


def signed(folder: Path) -> tuple[Checkpoint, ...]:
    found = checkpoints.read(folder / checkpoints.FILE)
    assert found.findings == ()
    return found.checkpoints


def located(found: Verified, tampering: Tampering) -> bool:
    """Tell whether a finding names one of the places where it was done."""
    return any(
        finding.seq in tampering.seqs or finding.place in tampering.places
        for finding in found.findings
    )


def done(connection: Connection, tampering: Tampering) -> bool:
    """Tamper; False when the database itself cannot hold it, such as a second key."""
    try:
        for statement in tampering.statements:
            connection.execute(statement)
    except Exception as error:
        if "onstraint" in str(error) or "UNIQUE" in str(error):
            return False
        raise
    return True


def test_single_tamperings_are_found_where_they_were_done(
    address: str, pytestconfig: pytest.Config
) -> None:
    database = Database.open(address)
    fill(database)
    database.close()
    wanted: int = pytestconfig.getoption("--tamperings")
    tried: Counter[str] = Counter()
    missed = []
    with owner_of(address) as connection:
        assert verify(connection).findings == ()
        every = list(every_one(connection))
        random.Random(7).shuffle(every)
        for tampering in every[: wanted or None]:
            trial = connection.begin_nested()
            if done(connection, tampering):
                tried[tampering.name.split()[0]] += 1
                if not located(verify(connection), tampering):
                    missed.append(tampering.name)
            trial.rollback()
    assert missed == []
    print(f"{tried.total()} tamperings, all found: {dict(tried)}")  # noqa: T201
    assert tried.total() >= (1000 if wanted == 0 else 0.8 * wanted)


@pytest.mark.parametrize("left", [6, 10, 20])
def test_a_cut_end_is_found_by_checkpoints_alone(
    address: str, left: int, tmp_path: Path
) -> None:
    database = Database.open(address)
    fill(database, rounds=3, erasing=False)
    size = sign(database, tmp_path).size
    database.close()
    with owner_of(address) as connection:
        cut(connection, left)
        assert verify(connection).findings == ()
        found = verify(connection, signed(tmp_path))
    assert [finding.seq for finding in found.findings] == [size]
    assert f"records {left + 1} to {size} were cut off" in str(found.findings[0])
    assert found.covered == 0


def test_a_trail_written_anew_is_found_by_checkpoints_alone(
    address: str, tmp_path: Path
) -> None:
    database = Database.open(address)
    fill(database, rounds=1, erasing=False)
    before = sign(database, tmp_path).size
    decide(database, "B3", 2, "later")
    decide(database, "B3", 3, "last")
    after = sign(database, tmp_path).size
    database.close()
    with owner_of(address) as connection:
        write_anew(connection, before + 1, actor="eve")
        assert verify(connection).findings == ()
        found = verify(connection, signed(tmp_path))
    assert [finding.seq for finding in found.findings] == [after]
    assert f"somewhere after record {before}" in str(found.findings[0])
    assert found.covered == before


def test_a_whole_chain_written_anew_is_found_by_checkpoints_alone(
    address: str, tmp_path: Path
) -> None:
    database = Database.open(address)
    fill(database, rounds=1, erasing=False)
    sign(database, tmp_path)
    database.close()
    with owner_of(address) as connection:
        write_anew(connection, 1, actor="eve")
        assert verify(connection).findings == ()
        assert "written anew somewhere after record 0" in str(
            verify(connection, signed(tmp_path)).findings
        )


def test_an_old_copy_put_in_place_is_found_by_checkpoints_alone(
    tmp_path: Path, sqlite_template: Path
) -> None:
    live, old = tmp_path / "allybin.db", tmp_path / "old.db"
    shutil.copyfile(sqlite_template, live)
    database = Database.open(f"sqlite:///{live}")
    fill(database, rounds=1)
    sign(database, tmp_path)
    database.close()
    shutil.copyfile(live, old)
    database = Database.open(f"sqlite:///{live}")
    decide(database, "B3", 2, "later")
    size = sign(database, tmp_path).size
    database.close()
    old.replace(live)
    database = Database.open(f"sqlite:///{live}")
    with database.reading() as connection:
        assert verify(connection).findings == ()
        (finding,) = verify(connection, signed(tmp_path)).findings
    database.close()
    assert "an old copy was put in place" in finding.sentence
    assert finding.seq == size


def test_a_long_trail_is_verified_record_by_record(database: Database) -> None:
    many = 2_000
    with database.writing() as connection:
        for number in range(many):
            append(connection, entry("key.make", f"key/{number}"))
    with database.reading() as connection:
        found = verify(connection)
    assert (found.records, found.findings) == (many, ())
