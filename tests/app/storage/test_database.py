"""The store: what is in force, who may write, and what its failures are called."""

import threading

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from app.storage.database import Database
from app.storage.errors import StoreCollided, StoreRefused
from app.storage.schema import facts

ADD = insert(facts)
NAMES = select(facts.c.name).order_by(facts.c.name)


def add(database: Database, name: str) -> None:
    with database.writing() as connection:
        connection.execute(ADD, {"name": name, "value": "x"})


def names(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(NAMES).scalars())


def test_what_is_written_is_there_for_the_next_reader(database: Database) -> None:
    add(database, "a")
    assert names(database) == ["a"]


def test_settings_in_force_are_those_that_lose_nothing(
    database: Database, kind: str
) -> None:
    found = database.in_force()
    if kind == "sqlite":
        wanted = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
    else:
        wanted = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    assert {name: found[name] for name in wanted} == wanted
    assert found["schema"] == found["schema_of_program"]
    assert found["writes"] == "on"


def test_what_is_in_force_is_told_while_someone_writes(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(ADD, {"name": "a", "value": "x"})
        assert database.in_force()["writes"] == "on"


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    def add_twice() -> None:
        with database.writing() as connection:
            connection.execute(ADD, {"name": "a", "value": "x"})
            connection.execute(ADD, {"name": "a", "value": "x"})

    with pytest.raises((IntegrityError, StoreCollided)):
        add_twice()
    assert names(database) == []


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.reading() as connection:
        before = connection.execute(NAMES).all()
        add(database, "a")
        assert connection.execute(NAMES).all() == before
    assert names(database) == ["a"]


def test_a_reader_cannot_write(database: Database) -> None:
    def write() -> None:
        with database.reading() as connection:
            connection.execute(ADD, {"name": "a", "value": "x"})
            connection.commit()

    with pytest.raises(StoreRefused):
        write()
    assert names(database) == []


def test_writers_in_many_threads_all_write(database: Database) -> None:
    def write(number: int) -> None:
        for turn in range(5):
            add(database, f"{number:02}-{turn}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(database)) == 80


def test_two_programs_on_one_store_both_write(address: str) -> None:
    first, second = Database.open(address), Database.open(address)
    for turn in range(10):
        add(first, f"first {turn}")
        add(second, f"second {turn}")
    assert len(names(first)) == 20
    first.close()
    second.close()
