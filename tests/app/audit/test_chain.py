"""The audit trail: no change without a record, and none that can be mistaken."""

import threading
from decimal import Decimal

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from app.audit.canonical import canonical, record_hash
from app.audit.chain import GENESIS, append, content_of, erase
from app.audit.verify import verify
from app.storage.database import Database
from app.storage.schema import audit, audit_texts, decisions, policies
from tests.app.audit.world import AT, decide, entry, fill

POLICY = {
    "name": "p",
    "version": 1,
    "title": "t",
    "sha256": "ab",
    "toml": "",
    "created_at": AT,
}


def test_a_world_is_whole(database: Database) -> None:
    fill(database)
    with database.reading() as connection:
        found = verify(connection)
        rows = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq)
        last = connection.execute(rows).all()[-1]
    assert found.findings == ()
    assert (found.records, found.head) == tuple(last)


def test_the_hash_of_a_record_is_what_the_documentation_says(
    database: Database,
) -> None:
    with database.writing() as connection:
        append(connection, entry("bin.accept", "bin/1", after={"b": 1.5, "a": "é"}))
    with database.reading() as connection:
        row = connection.execute(select(audit)).mappings().one()
    assert row["after"] == '{"a":"é","b":"1.5"}'
    assert row["prev_hash"] == GENESIS
    assert row["hash"] == record_hash(GENESIS, content_of(row))


def test_numbers_with_decimals_and_other_forms_of_a_text_are_one_text() -> None:
    assert canonical({"é": Decimal("1.50")}) == canonical({"é": Decimal("1.50")})
    assert canonical([0.1, True, None, 7]) == '["0.1",true,null,7]'


def test_rows_without_a_record_are_not_stored(database: Database) -> None:
    def add_only() -> None:
        with database.writing() as connection:
            connection.execute(insert(policies), POLICY)

    with pytest.raises(RuntimeError, match="policies without a record"):
        add_only()
    with database.reading() as connection:
        assert connection.execute(select(policies)).all() == []


def test_rows_of_a_savepoint_that_was_given_up_are_not_recorded(
    database: Database,
) -> None:
    with database.writing() as connection:
        given_up = connection.begin_nested()
        connection.execute(insert(policies), POLICY)
        given_up.rollback()
        connection.execute(insert(policies), {**POLICY, "version": 2})
        append(connection, entry("policy.add", "policy/p"))
    with database.reading() as connection:
        assert verify(connection).findings == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'eve'",
        "DELETE FROM audit",
        "UPDATE decisions SET decision = 'reject'",
        "UPDATE decisions SET reason = 'other'",
        "DELETE FROM decisions",
        "UPDATE bin_versions SET state = 'open'",
        "DELETE FROM bin_versions",
        "UPDATE edits SET change = 0",
        "DELETE FROM edits",
        "UPDATE audit_head SET seq = 3",
        "DELETE FROM audit_head",
        "UPDATE audit_texts SET text = 'other'",
        "DELETE FROM audit_texts",
        "UPDATE releases SET level = 0",
        "UPDATE policies SET toml = 'a = 2'",
        "UPDATE request_versions SET content = '{}'",
    ],
)
def test_what_was_written_cannot_be_written_over(
    database: Database, statement: str
) -> None:
    fill(database, rounds=1)

    def write_over() -> None:
        with database.writing() as connection:
            connection.execute(text(statement))

    with pytest.raises(IntegrityError, match="only ever"):
        write_over()


def test_a_replacing_insert_is_no_way_around(database: Database, kind: str) -> None:
    if kind != "sqlite":
        pytest.skip("only SQLite has REPLACE")
    fill(database, rounds=1)

    def replace() -> None:
        with database.writing() as connection:
            connection.execute(
                text("REPLACE INTO audit SELECT * FROM audit WHERE seq = 3")
            )

    with pytest.raises(IntegrityError, match="only ever added"):
        replace()


def test_an_erased_reason_is_gone_and_the_chain_is_whole(database: Database) -> None:
    fill(database, rounds=1)
    with database.writing() as connection:
        connection.execute(select(audit_texts))
        erase(connection, 7, entry("", "", reason="An order."))
    with database.reading() as connection:
        assert verify(connection).findings == ()
        kept = connection.execute(select(audit_texts.c.text)).scalars().all()
        shown = connection.execute(select(decisions.c.reason)).scalars().all()
    assert "Żółty reason 0-B1" not in [*kept, *shown]
    assert "Żółty reason 0-B3" in kept


def test_writers_at_once_make_one_chain(database: Database) -> None:
    fill(database, rounds=0)

    def write(name: int) -> None:
        for turn in range(4):
            with database.writing() as connection:
                append(connection, entry("key.make", f"key/{name}/{turn}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        found = verify(connection)
    assert found.findings == ()
    assert found.records == 6 + 32


def test_a_clock_that_went_back_is_told_and_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, rounds=0)
    monkeypatch.setattr("app.audit.chain._now", lambda: AT)
    with database.writing() as connection:
        append(connection, entry("key.make", "key/1"))
    monkeypatch.undo()
    decide(database, "B3", 1, "late")
    with database.reading() as connection:
        found = verify(connection)
    assert found.findings == ()
    assert found.steps_back == (7,)
