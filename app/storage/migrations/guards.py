"""Triggers that keep what was written from being written over.

A migration that adds or changes one writes it out, as it is then.

They stop mistakes and programs, not the owner of the database, who can drop them: that
is what the chain of the audit trail and its checkpoints are for.
"""

from collections.abc import Iterator
from typing import Final

from app.storage.schema import metadata

ONLY_ADDED: Final = (
    "audit",
    "bin_versions",
    "decisions",
    "edits",
    "policies",
    "releases",
    "request_versions",
)
"""Tables whose rows are only ever added."""

_ERASURE: Final = (
    "NEW.hash <> OLD.hash OR NEW.salt <> OLD.salt OR NEW.text IS NOT NULL "
    "OR NEW.erased_at IS NULL"
)


def _keeps(table: str) -> str | None:
    """Return when an update is refused: always, but for a reason that is erased."""
    names = [column.name for column in metadata.tables[table].columns]
    if "reason" not in names:
        return None
    names.remove("reason")
    changed = (f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in names)
    return " OR ".join(("NEW.reason IS NOT NULL", *changed))


RULES: Final = (
    *((table, "UPDATE", _keeps(table), "only ever added") for table in ONLY_ADDED),
    *((table, "DELETE", None, "only ever added") for table in ONLY_ADDED),
    ("audit_texts", "UPDATE", _ERASURE, "only ever erased"),
    ("audit_texts", "DELETE", None, "only ever erased"),
    ("audit_head", "UPDATE", "NEW.seq <> OLD.seq + 1", "only ever moved on by one"),
    ("audit_head", "DELETE", None, "only ever moved on by one"),
    ("idempotency", "UPDATE", "OLD.status IS NOT NULL", "only ever filled in once"),
)
"""Table, what is refused, under which condition (None: always), and why."""


def statements(dialect: str) -> Iterator[str]:
    """Yield what makes every trigger on a kind of database."""
    return _of_sqlite() if dialect == "sqlite" else _of_postgresql()


def _of_sqlite() -> Iterator[str]:
    for table, event, condition, why in RULES:
        when = f"WHEN {condition} " if condition else ""
        yield (
            f"CREATE TRIGGER keep_{table}_{event.lower()} BEFORE {event} ON {table} "
            f"{when}BEGIN SELECT RAISE(ABORT, 'Rows of {table} are {why}.'); END"
        )


def _of_postgresql() -> Iterator[str]:
    yield """
        CREATE FUNCTION keep_rows() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING
                ERRCODE = 'restrict_violation',
                MESSAGE = 'Rows of ' || TG_TABLE_NAME || ' are ' || TG_ARGV[0] || '.';
        END $$
    """
    for table, event, condition, why in RULES:
        when = f"WHEN ({condition}) " if condition else ""
        yield (
            f"CREATE TRIGGER keep_{table}_{event.lower()} BEFORE {event} ON {table} "
            f"FOR EACH ROW {when}EXECUTE FUNCTION keep_rows('{why}')"
        )
        if event == "DELETE":
            yield (
                f"CREATE TRIGGER keep_{table}_truncate BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION keep_rows('{why}')"
            )
