"""A desk, one whose solver does wrong, and a batch that is solved."""

import os
import sys
from pathlib import Path

import pytest

from app.jobs.desk import Desk
from tests.app.jobs.ordering import order_of

FAKE = str(Path(__file__).with_name("fake_solver.py"))


@pytest.fixture(scope="module")
def desk():
    with Desk() as desk:
        yield desk


@pytest.fixture
def faulty(desk, monkeypatch):
    """Return a way to have the solver do something wrong."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))

    def use(what: str) -> Desk:
        monkeypatch.setattr(desk, "_command", (sys.executable, FAKE, what))
        return desk

    return use


@pytest.fixture(scope="module")
def solved(desk):
    """Return a hundred and twenty requests, solved."""
    order = order_of(120, days=90)
    return order, desk.solve(order)
