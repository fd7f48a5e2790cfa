"""What a plan costs and which rules it breaks, by the independent verifier's figures.

The one evaluator of every method, ours included. It shares no code with the solving
path and never reads what a method says of its own plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from app.commands.question import Files, read
from app.policies import read_policy
from benchmarks.batches import policy_file
from optimizer.policy import EffortCase
from optimizer.problem import Problem
from optimizer.verify import figures
from optimizer.verify.facts import Members, Setting, settle_facts
from optimizer.verify.rules import broken_limits, broken_rules

type Plan = Sequence[Sequence[str]]
"""Bins of request ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a plan is worth. Cost in thousandths of a staff-day.

    ``missing`` counts requests that are not in exactly one bin. A plan is allowed when
    no bin breaks a rule or limit and none is missing; only then its cost means much.
    """

    cost: int
    bins: int
    broken_bins: int
    missing: int
    requests_in_bins: int

    @property
    def allowed(self) -> bool:
        """Whether the plan obeys every rule and limit."""
        return not self.broken_bins and not self.missing


def read_problem(batch: str, policy: str, as_of: str) -> Problem:
    """Read a batch of requests as a problem under a policy."""
    found = read(Files(requests=(batch,)))
    return found.problem(read_policy(policy_file(policy)), date.fromisoformat(as_of))


def setting_of(problem: Problem) -> Setting:
    """Return the verifier's own facts about a problem's requests."""
    return settle_facts(
        problem.batch,
        problem.policy,
        problem.catalogue,
        problem.as_of,
        problem.rulings,
    )


def evaluate(setting: Setting, plan: Plan) -> Verdict:
    """Judge a plan: every pair of every bin, every limit, every cost."""
    times: dict[str, int] = dict.fromkeys(setting.facts, 0)
    for ids in plan:
        for request_id in ids:
            times[request_id] += 1
    bins = [tuple(setting.facts[request_id] for request_id in ids) for ids in plan]
    return Verdict(
        cost=sum(bin_cost(setting, members) for members in bins),
        bins=len(bins),
        broken_bins=sum(not is_allowed(setting, members) for members in bins),
        missing=sum(count != 1 for count in times.values()),
        requests_in_bins=sum(len(members) for members in bins if len(members) > 1),
    )


def bin_cost(setting: Setting, members: Members) -> int:
    """Return c(B), thousandths of a staff-day."""
    effort = figures.effort_by_stage(setting.policy, EffortCase.DEFAULT, members)
    return sum(effort.values()) + figures.waiting(setting.policy, members)


def is_allowed(setting: Setting, members: Members) -> bool:
    """Tell whether requests may be one bin."""
    return not broken_limits(setting, members) and not any(
        broken_rules(setting, first, second)
        for first, second in combinations(members, 2)
    )
