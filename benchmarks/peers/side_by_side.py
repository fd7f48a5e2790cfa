"""Every method on the same batches, each run a process of its own, all judged alike."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.batches import AS_OF, Size, generate, policy_file, propose
from benchmarks.evaluate import evaluate, read_problem, setting_of
from benchmarks.measure import Measured, measure
from benchmarks.peers.methods import OURS, PEERS
from benchmarks.proposal_file import read_bins, read_outcome
from optimizer.verify.facts import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One method on one batch. Costs in staff-days; ``cost`` and ``bound`` as judged.

    ``cost`` is None without a plan; ``bound`` is what the method itself claims.
    """

    requests: int
    days: int
    policy: str
    seed: int
    method: str
    time_limit: float
    seconds: float | None = None
    megabytes: float | None = None
    memory_kind: str = ""
    cost: float | None = None
    bins: int = 0
    broken_bins: int = 0
    missing: int = 0
    requests_in_bins: int = 0
    bound: float | None = None
    note: str = ""
    progress: tuple[tuple[float, float, float], ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether there is a plan and it obeys every rule."""
        return self.cost is not None and not self.broken_bins and not self.missing

    def row(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self)


KEYS = ("requests", "days", "policy", "seed", "method", "time_limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be measured."""

    sizes: Sequence[Size]
    policies: Sequence[str]
    seeds: Sequence[int]
    methods: Sequence[str]
    time_limit: float
    memory_limit_mb: float


def run_all(asked: Plan, folder: Path) -> Iterator[Run]:
    """Measure every method on every batch, one after another."""
    for size in asked.sizes:
        for policy in asked.policies:
            for seed in asked.seeds:
                batch = generate(folder, size, seed)
                problem = read_problem(str(batch), policy, AS_OF)
                setting = setting_of(problem)
                for method in asked.methods:
                    common = Run(
                        requests=size.requests,
                        days=size.days,
                        policy=policy,
                        seed=seed,
                        method=method,
                        time_limit=asked.time_limit,
                    )
                    yield _run(asked, common, batch, setting, folder / "out.json")


def _run(asked: Plan, common: Run, batch: Path, setting: Setting, out: Path) -> Run:
    peer = PEERS[common.method]
    fields = common.row()
    if common.requests > peer.up_to:
        return Run(**(fields | {"note": peer.beyond}))
    if common.method == OURS:
        command = propose(batch, common.policy, asked.time_limit)
    else:
        command = _command(common, batch)
    went = measure(
        command,
        out,
        time_limit=asked.time_limit,
        memory_limit_mb=asked.memory_limit_mb,
        progress=common.method == OURS,
    )
    fields |= {
        "seconds": went.seconds,
        "megabytes": went.megabytes,
        "memory_kind": went.memory_kind,
        "progress": tuple((p.seconds, p.incumbent, p.bound) for p in went.progress),
    }
    if went.ending or went.code:
        return Run(**(fields | {"note": went.ending or _last_line(went)}))
    return Run(**(fields | _judged(common.method, setting, out)))


def _command(common: Run, batch: Path) -> list[str]:
    return [
        sys.executable, "-m", "benchmarks.peers.run", common.method, str(batch),
        "--policy", policy_file(common.policy), "--as-of", AS_OF,
        "--time-limit", str(common.time_limit),
    ]  # fmt: skip


def _last_line(went: Measured) -> str:
    lines = went.errors.strip().splitlines()
    return f"failed with code {went.code}: {lines[-1] if lines else 'it said nothing'}"


def _judged(method: str, setting: Setting, out: Path) -> dict[str, Any]:
    """Return what the evaluator finds of a plan, and the bound the method claims."""
    if method == OURS:
        bins = read_bins(out)
        bound: float | None = read_outcome(out).lower_bound
        note = ""
    else:
        found = json.loads(out.read_text(encoding="utf-8"))
        bins, note = found["bins"], found["note"]
        bound = None if found["bound"] is None else found["bound"] / 1000
    if bins is None:
        return {"bound": bound, "note": note}
    verdict = evaluate(setting, bins)
    return {
        "cost": verdict.cost / 1000,
        "bins": verdict.bins,
        "broken_bins": verdict.broken_bins,
        "missing": verdict.missing,
        "requests_in_bins": verdict.requests_in_bins,
        "bound": bound,
        "note": note,
    }
