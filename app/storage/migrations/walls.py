"""Policies of PostgreSQL that keep customers' rows apart, whatever a query asks.

A transaction says for whom it is (:mod:`app.storage.reach`); where it says nothing, no
customer's row is there for it. ``FORCE`` holds the owner of the tables to it as well;
a superuser, and a role with ``BYPASSRLS``, pass every policy, and ``allybin doctor``
tells of them.

What a transaction says is read once for each statement, not for each row: for that
there is a ``(SELECT …)`` around it. Whoever reaches every customer is let through
before anything is looked up.
"""

from collections.abc import Iterator, Mapping
from typing import Final

_CUSTOMERS: Final = "(SELECT current_setting('allybin.customers', true))"
_ALL: Final = f"{_CUSTOMERS} = '*'"
_OWN: Final = f"customer = ANY (string_to_array({_CUSTOMERS}, ','))"
_WITHIN: Final = (
    "customers::jsonb <@ (SELECT to_jsonb(string_to_array("
    "current_setting('allybin.customers', true), ',')))"
)
_MINE: Final = "account_id = (SELECT current_setting('allybin.account', true))"


def _where(table: str, of: str, *columns: str) -> str:
    """Return the condition that a row of another table is there, by its policy."""
    same = " AND ".join(f"one.{column} = {of}.{column}" for column in columns)
    return f"EXISTS (SELECT 1 FROM {table} AS one WHERE {same})"


def _of_proposal(table: str) -> str:
    return _where("proposals", table, "proposal_id")


def _of_bin(table: str) -> str:
    return _where("bins", table, "proposal_id", "bin_id")


SEEN: Final[Mapping[str, str]] = {
    "batches": f"{_OWN} OR {_MINE}",
    "requests": _OWN,
    "request_versions": _OWN,
    "batch_requests": _OWN,
    "proposal_requests": _OWN,
    "ruling_members": _OWN,
    "reviews": _of_proposal("reviews"),
    "releases": _OWN,
    "proposals": f"{_MINE} OR {_WITHIN}",
    "proposal_batches": _of_proposal("proposal_batches"),
    "proposal_events": _of_proposal("proposal_events"),
    "proposal_results": _of_proposal("proposal_results"),
    "edits": _of_proposal("edits"),
    "bin_members": (
        f"{_where('proposal_requests', 'bin_members', 'proposal_id', 'label')}"
        f" OR {_of_proposal('bin_members')}"
    ),
    "bins": (
        f"{_where('bin_members', 'bins', 'proposal_id', 'bin_id')}"
        f" OR {_of_proposal('bins')}"
    ),
    "bin_versions": f"{_of_bin('bin_versions')} OR {_of_proposal('bin_versions')}",
    "decisions": _of_bin("decisions"),
    "rulings": f"{_where('ruling_members', 'rulings', 'ruling_id')} OR {_MINE}",
    "idempotency": _MINE,
}
"""Tables with rows of customers, and which are reached by who does not reach all."""

ADDED: Final[Mapping[str, str]] = {"reviews": _OWN}
"""Rows that are added also by who does not see them: whose request changed."""

ONLY_ADDED_TO: Final = ("audit", "audit_texts")
"""Tables whose rows anybody adds, and only who reaches every customer sees."""


def statements() -> Iterator[str]:
    """Yield what puts every wall up, on PostgreSQL."""
    for table, seen in SEEN.items():
        yield f"CREATE POLICY reach ON {table} USING ({_ALL} OR {seen})"
    for table, added in ADDED.items():
        yield f"CREATE POLICY add ON {table} FOR INSERT WITH CHECK ({added})"
    for table in ONLY_ADDED_TO:
        yield f"CREATE POLICY reach ON {table} USING ({_ALL})"
        yield f"CREATE POLICY add ON {table} FOR INSERT WITH CHECK (true)"
    for table in (*SEEN, *ONLY_ADDED_TO):
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
