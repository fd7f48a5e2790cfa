"""Statements that are compiled once, and go to the database together."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.storage.database import Database
from app.storage.errors import StoreCollided
from app.storage.prepared import Prepared, Question, ask_all, unanswered
from app.storage.schema import facts

ADD = Prepared(insert(facts))
CHANGE = Prepared(
    update(facts)
    .where(facts.c.name == bindparam("of_name"))
    .values(value=bindparam("new_value"))
)
ASK = Question(select(facts).where(facts.c.name == bindparam("of_name")))


def named(name: str) -> dict[str, str]:
    return {"name": name, "value": "x"}


def stored(database: Database) -> dict[str, str]:
    with database.reading() as connection:
        rows = connection.execute(select(facts.c.name, facts.c.value))
        return {row.name: row.value for row in rows}


def test_what_nobody_waits_for_is_carried_out_at_the_end(database: Database) -> None:
    with database.writing() as connection, unanswered(connection):
        for name in "abc":
            ADD(connection, named(name))
            CHANGE(connection, {"of_name": name, "new_value": name * 2})
    assert stored(database) == {"a": "aa", "b": "bb", "c": "cc"}


def test_rows_of_one_table_go_in_one_statement_where_the_store_is_elsewhere(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    add_all = Prepared._add_all

    def counted(
        self: Prepared, connection: Connection, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        sent.append(len(rows))
        add_all(self, connection, rows)

    monkeypatch.setattr(Prepared, "_add_all", counted)
    with database.writing() as connection:
        with unanswered(connection):
            for name in "abc":
                ADD(connection, named(name))
        ADD.many(connection, [named("d"), named("e")])
    assert sent == ([] if database.kind == "sqlite" else [3, 2])
    assert [*stored(database)] == [*"abcde"]


def test_one_that_fails_leaves_nothing_of_all(database: Database) -> None:
    def add_twice() -> None:
        with database.writing() as connection, unanswered(connection):
            for name in "aba":
                ADD(connection, named(name))

    with pytest.raises((IntegrityError, StoreCollided, *database._errors)):
        add_twice()
    assert stored(database) == {}


def test_what_was_gathered_for_a_transaction_that_broke_off_is_forgotten(
    database: Database,
) -> None:
    def break_off() -> None:
        with database.writing() as connection, unanswered(connection):
            ADD(connection, named("a"))
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    with database.writing() as connection:
        ADD(connection, named("b"))
    assert stored(database) == {"b": "x"}


def test_questions_are_answered_in_their_order(database: Database) -> None:
    with database.writing() as connection:
        ADD.many(connection, [named("a"), named("b")])
        found = ask_all(connection, [(ASK, {"of_name": name}) for name in "bca"])
    assert [one and one.name for one in found] == ["b", None, "a"]
