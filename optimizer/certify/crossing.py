"""Are the independent parts of a small batch independent: no bin crosses two of them.

By the rules and limits of the verifier, which shares no code with what splits the
problem into parts.
"""

from collections.abc import Sequence

from optimizer.verify.facts import Members, Setting
from optimizer.verify.rules import broken_limits, broken_rules

FEW_REQUESTS = 600
"""Requests of a batch up to which every two of different parts are asked."""


def crossing_pair(setting: Setting, parts: Sequence[Sequence[Members]]) -> Members:
    """Return two items of different parts that may share a bin, as one; or nothing.

    Limits and rules only ever forbid more to a larger bin, so where no two items of
    different parts may share, no bin holds any.

    Parameters
    ----------
    parts
        The items of each part: a request alone, or those that are ruled together.

    Notes
    -----
    Complexity: quadratic in requests.
    """
    for number, part in enumerate(parts):
        for other in parts[:number]:
            for one in part:
                for two in other:
                    if _may_share(setting, one, two):
                        return (*two, *one)
    return ()


def _may_share(setting: Setting, one: Members, two: Members) -> bool:
    window = setting.policy.pairing.window_days
    first, second = one[0].request.received_on, two[0].request.received_on
    if abs((first - second).days) > window:  # most pairs of a long batch: asked first
        return False
    return not any(
        broken_rules(setting, a, b) for a in one for b in two
    ) and not broken_limits(setting, (*one, *two))
