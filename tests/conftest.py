"""What every test may ask for: see ``tests/databases.py``."""

from pathlib import Path

import pytest

from tests.databases import (
    address,
    database,
    empty_address,
    kind,
    postgres,
    sqlite_template,
)

__all__ = [
    "address",
    "database",
    "empty_address",
    "kind",
    "postgres",
    "sqlite_template",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one kind of database be chosen, and the long forms of tests."""
    parser.addoption(
        "--db",
        choices=("both", "sqlite", "postgresql"),
        default="both",
        help="the kind of database that tests of what is stored run on",
    )
    parser.addoption(
        "--tamperings",
        type=int,
        default=120,
        help="how often the audit trail is tampered with, on each kind of database",
    )
    for option, short, meaning in (
        ("--kills", 3, "how often a server is killed, on each kind of database"),
        ("--attempts", 480, "how often clients decide bins that others decide too"),
        ("--repeated", 100, "how many decisions are sent over and over"),
        ("--disk-faults", 3, "at how many calls the disk is made to fail"),
        ("--all-solver-faults", 0, "1: try every fault of a solver on a service"),
        ("--restarts", 2, "how often PostgreSQL is restarted under load"),
    ):
        parser.addoption(option, type=int, default=short, help=meaning)
    for option, meaning in (
        ("--plans", "how many plans people edit and decide in any order"),
        ("--worlds", "how many worlds a customer may not tell from one another"),
        ("--calls", "how many calls of each kind are tried against the description"),
    ):
        parser.addoption(option, type=int, default=0, help=f"{meaning}; 0: a few")
    parser.addoption(
        "--figures",
        type=Path,
        help="file that tests of faults add the figures to that they reached",
    )
    parser.addoption(
        "--pictures",
        type=Path,
        help="folder that the tests of the review page put pictures of it into",
    )
