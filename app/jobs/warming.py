"""Loading all that solving and checking need, without ever calling the solver."""

from datetime import date, timedelta
from importlib import import_module
from typing import Final

import numpy as np

from app.catalogue import load_catalogue
from app.policies import read_policy
from optimizer.batch import Agency, Batch, Request
from optimizer.builder import build_instance
from optimizer.clusters import find_clusters
from optimizer.heuristics import improve
from optimizer.pricing import Cut, nearby_bins, price
from optimizer.problem import Problem
from optimizer.reshape import join, keep_apart

_MODULES: Final = (
    "app.engine.child",
    "app.engine.local",
    "app.export.document",
    "app.jobs.roles",
    "optimizer.certify.checking",
    "optimizer.certify.earlier",
    "optimizer.certify.kept",
    "optimizer.edits",
    "optimizer.reuse",
    "optimizer.selection.schedule",
    "optimizer.why",
)


def warm() -> None:
    """Import what will be needed and have every kernel compiled, or read as compiled.

    The solver must not run: its threads do not survive a fork.
    """
    for name in _MODULES:
        import_module(name)
    problem = _small_problem()
    (cluster,) = find_clusters(problem)
    instance = build_instance(problem, cluster)
    plan = improve(instance, rounds=1)
    cut = Cut(items=(0, 1, 2))
    sigma = np.ones(1, dtype=np.int64)
    price(instance, instance.alone * instance.scale, (cut,), sigma, 1)
    nearby_bins(instance, instance.alone * instance.scale, (cut,), sigma, 1, plan)
    keep_apart(join(instance, 0, 1), 0, 1)


def _small_problem() -> Problem:
    """Return a problem of one cluster whose requests may all share a bin."""
    catalogue = load_catalogue()
    day = date(2026, 1, 5)
    family = next(
        name
        for name, system in sorted(catalogue.systems.items())
        if system.implementing_agency == "army"
    )
    requests = tuple(
        Request(
            request_id=f"W{place}",
            customer=customer,
            system=family,
            received_on=day + timedelta(days=place),
            value_cents=10**9,
            configuration=family,
            region="one",
            implementing_agency=Agency.ARMY,
            mde_value_cents=10**9,
        )
        for place, customer in enumerate(("EST", "LVA", "LTU", "POL", "EST"))
    )
    return Problem(
        batch=Batch(requests=requests),
        policy=read_policy("nato-rdp"),
        catalogue=catalogue,
        as_of=day,
    )
