"""What columns and constraints of every table are like."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    MetaData,
    String,
    Text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

MANY_CUSTOMERS: Final = "*"
"""The customer of a batch whose sender may send for more than one."""


def text(name: str, *args: Any, optional: bool = False, **more: Any) -> Column[str]:
    """Return a column of text; JSON, times and days are text too."""
    return Column(name, Text, *args, nullable=optional, **more)


def number(name: str, *args: Any, optional: bool = False, **more: Any) -> Column[int]:
    """Return a column of whole numbers of 64 bits."""
    return Column(name, BigInteger, *args, nullable=optional, **more)


def key(name: str, *args: Any, **more: Any) -> Column[str]:
    """Return a column that is the key of its table, or a part of it."""
    return Column(name, String, *args, primary_key=True, **more)


def one_of(column: str, *values: str) -> CheckConstraint:
    """Return the constraint that a column holds one of some words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
