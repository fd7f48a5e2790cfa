"""How far a transaction reaches: whose rows the database itself lets it touch.

On PostgreSQL this is a second wall behind the conditions of the queries: a transaction
says with its beginning for whom it is, and the policies on the tables
(:mod:`app.storage.migrations.walls`) let nothing else through. One that says nothing
reaches no customer's rows. SQLite has no such wall.
"""

from dataclasses import dataclass
from typing import Final

EVERYTHING: Final = "*"
"""What a transaction says that reaches the rows of every customer."""

OPTION: Final = "allybin_reach"
"""The execution option of a connection that holds its reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whose rows a transaction may touch.

    Parameters
    ----------
    customers
        Their codes; None for all.
    account
        Whose own batches, proposals and stored answers are among them; empty for none.
    """

    customers: frozenset[str] | None
    account: str = ""

    @property
    def said(self) -> str:
        """The customers as the transaction says them.

        Raises
        ------
        ValueError
            When a code would be read as more than one, or as all.
        """
        if self.customers is None:
            return EVERYTHING
        for code in self.customers:
            if not code.isalnum():
                raise ValueError(f"{code!r} is no customer's code.")
        return ",".join(sorted(self.customers))


NOTHING: Final = Reach(customers=frozenset())
"""No customer's rows: what a transaction reaches that was not told otherwise."""

ALL: Final = Reach(customers=None)
"""Every row: for what works for the service itself, each named in a test."""
