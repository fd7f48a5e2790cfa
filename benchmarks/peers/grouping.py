"""Group-by in pandas: one bin per system family and region, as it is and repaired."""

import pandas as pd

from benchmarks.peers.pairs import Pairs, neighbours, split_to_obey
from optimizer.problem import Problem


def groups(problem: Problem) -> list[list[int]]:
    """Return the requests of each (system family, region)."""
    table = pd.DataFrame(
        {
            "system": [r.system for r in problem.requests],
            "region": [r.region for r in problem.requests],
        }
    )
    found = table.groupby(["system", "region"], sort=False).indices
    return [[int(i) for i in positions] for positions in found.values()]


def repaired(problem: Problem, pairs: Pairs) -> list[list[int]]:
    """Return the groups split by first fit until every bin is allowed."""
    return split_to_obey(pairs, groups(problem), neighbours(pairs))
