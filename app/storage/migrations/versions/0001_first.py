"""The first schema: every table, its guards, and the beginning of the trail.

It is written out beside this file for either database, one statement a line, as it was
then: what the schema says later is made of it by later revisions. Until the first
release ``scripts/freeze_schema.py`` writes it anew.
"""

from pathlib import Path
from typing import Final

from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Make everything."""
    connection = op.get_bind()
    written = Path(__file__).with_name(f"0001_{connection.dialect.name}.sql")
    for statement in written.read_text(encoding="utf-8").splitlines():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(
        f"INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, '{'0' * 64}')"
    )
