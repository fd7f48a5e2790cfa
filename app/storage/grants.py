"""A role of PostgreSQL that owns nothing, and may do what the service does.

The owner of the tables can drop their triggers and policies; a service that comes in by
another role cannot, whatever is found wrong with it. Of the trail, and of everything
that is only ever added, that role may read and add rows and nothing else.
"""

from typing import Final

from psycopg import sql
from sqlalchemy import Connection

from app.errors import quoted
from app.storage.errors import StoreRefused
from app.storage.migrations.walls import ONLY_ADDED_TO, SEEN
from app.storage.schema import metadata

CHANGED: Final = (
    "accounts",
    "api_keys",
    "audit_head",
    "bins",
    "idempotency",
    "proposals",
    "requests",
    "reviews",
    "role_grants",
    "rulings",
    "sessions",
)
"""Tables whose rows change; in every other one they are only added."""

TAKEN_AWAY: Final = ("bin_members",)
"""Tables whose rows are taken away: a request leaves one bin for another."""

_ROLE: Final = """
    SELECT current_user AS name,
        rolsuper OR rolbypassrls AS passes,
        EXISTS (
            SELECT 1 FROM pg_class
            WHERE oid = to_regclass('audit') AND pg_has_role(relowner, 'USAGE')
        ) AS owns,
        (
            SELECT count(*) FROM pg_class
            WHERE oid = ANY (SELECT to_regclass(one) FROM unnest(%s::text[]) AS one)
            AND relrowsecurity AND relforcerowsecurity
        ) AS walls
    FROM pg_roles WHERE rolname = current_user
"""

PASSED: Final = "passed by this role"
OFF: Final = "off"


def grant(connection: Connection, role: str) -> None:
    """Let a role do what the service does, and no more.

    Raises
    ------
    StoreRefused
        When there is no such role, or it could do more whatever it is granted.
    """
    driver = connection.connection.dbapi_connection
    assert driver is not None
    found = driver.execute(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", (role,)
    ).fetchone()
    if found is None:
        raise StoreRefused(
            f"PostgreSQL knows no role {quoted(role)}. Make it first: CREATE ROLE … "
            "LOGIN PASSWORD …."
        )
    if found[0]:
        raise StoreRefused(
            f"The role {quoted(role)} passes row-level security: it is a superuser or "
            "has BYPASSRLS. Name one that does not."
        )
    name = sql.Identifier(role)
    for statement in _GRANTS:
        driver.execute(sql.SQL(statement).format(role=name))


def _grants() -> tuple[str, ...]:
    tables = ", ".join(sorted(metadata.tables))
    return (
        f"REVOKE ALL ON {tables}, alembic_version FROM {{role}}",
        f"GRANT SELECT, INSERT ON {tables} TO {{role}}",
        f"GRANT UPDATE ON {', '.join(CHANGED)} TO {{role}}",
        f"GRANT DELETE ON {', '.join(TAKEN_AWAY)} TO {{role}}",
        "GRANT SELECT ON alembic_version TO {role}",
    )


_GRANTS: Final = _grants()


def in_force(connection: Connection) -> dict[str, str]:
    """Return as whom the service comes in, and whether the walls hold for it."""
    tables = [*SEEN, *ONLY_ADDED_TO]
    driver = connection.connection.dbapi_connection
    assert driver is not None
    name, passes, owns, walls = driver.execute(_ROLE, (tables,)).fetchone()
    held = "on" if walls == len(tables) else OFF
    return {
        "role": f"{name}, owner of the tables" if owns else f"{name}, owner of nothing",
        "row_level_security": PASSED if passes else held,
    }
