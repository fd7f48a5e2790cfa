"""A proposal as plain values: what proposal.json holds and every writer works from.

Staff-days are numbers, exact multiples of 0.001; days are ISO dates.
"""

import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from app.export.stored import StoredBins
from optimizer.batch import Batch
from optimizer.certify.reading import plain
from optimizer.errors import ProofFailed
from optimizer.problem import Problem
from optimizer.proposal.values import (
    Effort,
    Fragmentation,
    JointCase,
    Proposal,
    ProposedBin,
    Reason,
    Totals,
    Warned,
)
from optimizer.rulings import Rulings
from optimizer.verify import CertificateCheck, Finding, verify

type Document = dict[str, Any]

MILLION: Final = 1_000_000
"""One over the gap up to which a proposal is called optimal."""

KEPT_BINS: Final = 20_000
"""Bins of a document up to which they are kept as plain values."""

_LISTED_FINDINGS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class InputHashes:
    """Hashes of what was read; None where nothing was given."""

    requests: str
    precedents: str | None = None
    rulings: str | None = None


def proven_document(
    proposal: Proposal,
    *,
    created_at: datetime,
    solve_seconds: float,
    hashes: InputHashes,
) -> Document:
    """Return the document of a proposal, verified against its input.

    Nothing of a proposal is printed, written or stored but through here.

    Raises
    ------
    ProofFailed
        When the independent verification finds anything that does not hold: a bug.
    """
    document = proposal_document(
        proposal,
        created_at=created_at,
        solve_seconds=solve_seconds,
        hashes=hashes,
        versions=versions(),
    )
    findings = verify_document(document, proposal.problem)
    if findings:
        shown = " ".join(finding.text for finding in findings[:_LISTED_FINDINGS])
        more = len(findings) - _LISTED_FINDINGS
        raise ProofFailed(
            f"The proposal did not pass its own verification: {shown}"
            + (f" And {more} more." if more > 0 else "")
        )
    return document


def verify_document(
    document: Document,
    problem: Problem,
    *,
    bins: Iterable[Document] | None = None,
    certificate_check: CertificateCheck | None = None,
) -> tuple[Finding, ...]:
    """Return what in a document does not hold for a problem.

    ``bins`` are its bins, where they are still to be read.
    """
    return verify(
        document,
        problem.batch,
        problem.policy,
        problem.catalogue,
        problem.as_of,
        problem.rulings,
        bins=bins,
        certificate_check=certificate_check,
    )


def proposal_document(
    proposal: Proposal,
    *,
    created_at: datetime,
    solve_seconds: float,
    hashes: InputHashes,
    versions: Mapping[str, str],
    with_bins: bool = True,
) -> Document:
    """Return a proposal as plain values, in the order proposal.json has them.

    Without its bins, None stands in their place. The same question has the same
    ``proposal_id``: it is made of the hashes, the day and the gap asked for, not of the
    answer.
    """
    problem = proposal.problem
    policy, batch = problem.policy, problem.batch
    total, bound = proposal.total, proposal.bound
    document: Document = {
        "proposal_id": proposal_id(problem, hashes, proposal.gap),
        "created_at": created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "as_of": problem.as_of.isoformat(),
        "policy": {
            "name": policy.name,
            "title": policy.title,
            "sha256": policy.sha256,
        },
        "input": {
            "sha256": hashes.requests,
            "requests": len(batch),
            "precedents": len(batch.precedents),
            "precedents_sha256": hashes.precedents,
            "rulings_sha256": hashes.rulings,
        },
        "status": "optimal" if (total - bound) * MILLION <= total else "feasible",
        "objective": objective_of(proposal.totals),
        "lower_bound": days(bound),
        "gap": float(Fraction(total - bound, total)) if total else 0.0,
        "solve_seconds": round(solve_seconds, 3),
        "bins": _bins(proposal) if with_bins else None,
        "fragmentation": [_fragmentation(found) for found in proposal.fragmentation],
        "rulings": _rulings(problem.rulings),
    }
    kept = _extra_columns(batch)
    if kept:
        document["extra_columns"] = kept
    document["versions"] = dict(versions)
    if proposal.certificates is not None:
        ids = [r.request_id for r in batch.requests]
        document["certificate"] = plain(proposal.certificates, ids)
    return document


def days(thousandths: int) -> int | float:
    """Return thousandths of a staff-day as a number of staff-days.

    Whole ones stay whole numbers; the others are the nearest float, whose shortest
    decimal form has the three exact decimals.
    """
    return thousandths / 1000 if thousandths % 1000 else thousandths // 1000


def proposal_id(problem: Problem, hashes: InputHashes, gap: float) -> str:
    """Return the id of a question: input, policy, rulings, day and gap."""
    parts = (
        hashes.requests,
        problem.policy.sha256,
        hashes.precedents or "",
        hashes.rulings or "",
        problem.as_of.isoformat(),
        repr(float(gap)),
    )
    return "P-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@cache
def versions() -> dict[str, str]:
    """Return the versions of what computed a proposal."""
    packages = ("allybin", "pulp", "highspy", "networkx")
    return {name: version(name) for name in packages} | {
        "python": platform.python_version()
    }


def objective_of(totals: Totals) -> Document:
    """Return the figures of all bins in sum, as proposal.json has them."""
    effort, baseline = totals.effort, totals.baseline_effort
    saved = baseline - effort
    return {
        "total": days(effort.default + totals.wait_cost),
        "effort_days": days(effort.default),
        "wait_cost": days(totals.wait_cost),
        "baseline_total": days(baseline.default),  # alone, nobody waits for another
        "baseline_effort_days": days(baseline.default),
        "saved_effort_days": days(saved.default),
        "saved_effort_days_low": days(saved.low),
        "saved_effort_days_high": days(saved.high),
        "effort_days_low": days(effort.low),
        "effort_days_high": days(effort.high),
        "baseline_effort_days_low": days(baseline.low),
        "baseline_effort_days_high": days(baseline.high),
        "effort_by_stage": _days_by(totals.effort_by_stage),
        "baseline_effort_by_stage": _days_by(totals.baseline_effort_by_stage),
    }


def _bins(proposal: Proposal) -> Sequence[Document]:
    """Return the bins as plain values; many of them packed, and read one by one."""
    stated = map(bin_document, proposal.bins)
    return StoredBins(stated) if len(proposal.bins) > KEPT_BINS else [*stated]


def bin_document(proposed: ProposedBin) -> Document:
    """Return a bin as proposal.json has it."""
    stated: Document = {
        "bin_id": proposed.bin_id,
        "request_ids": [*proposed.request_ids],
        "category": proposed.category,
        "systems": [*proposed.systems],
        "customers": [*proposed.customers],
        "regions": [*proposed.regions],
        "fixed": proposed.fixed,
        "starts_on": proposed.starts_on.isoformat(),
        **_cases("effort_days", proposed.effort),
        "wait_cost": days(proposed.wait_cost),
        **_cases("solo_effort_days", proposed.solo_effort),
        **_cases("saved_effort_days", proposed.saved_effort),
        "effort_by_stage": _days_by(proposed.effort_by_stage),
        "solo_effort_by_stage": _days_by(proposed.solo_effort_by_stage),
        "wait_days": dict(proposed.wait_days),
        "forecast_on": proposed.forecast_on.isoformat(),
        "solo_forecast_on": _dates_by(proposed.solo_forecast_on),
        "days_gained": dict(proposed.days_gained),
        "fair_share": {
            customer: _share(share) for customer, share in proposed.fair_share.items()
        },
        "joint_case": _joint_case(proposed.joint_case),
        "warnings": [_warned(warned) for warned in proposed.warnings],
    }
    if len(proposed.request_ids) == 1:
        stated["alone_because"] = [_reason(r) for r in proposed.alone_because]
    return stated


def _cases(name: str, effort: Effort) -> Document:
    return {
        name: days(effort.default),
        f"{name}_low": days(effort.low),
        f"{name}_high": days(effort.high),
    }


def _days_by(thousandths: Mapping[str, int]) -> Document:
    return {key: days(value) for key, value in thousandths.items()}


def _dates_by(dates: Mapping[str, date]) -> dict[str, str]:
    return {key: day.isoformat() for key, day in dates.items()}


def _share(thousandths: Fraction) -> float:
    """Return an exact share as the nearest float of staff-days."""
    return thousandths.numerator / (1000 * thousandths.denominator)


def _joint_case(joint: JointCase | None) -> Document | None:
    if joint is None:
        return None
    return {
        "value_usd": _dollars(joint.value_cents),
        "mde_value_usd": _dollars(joint.mde_value_cents),
        "notification": joint.notification,
        "creates_notification": joint.creates_notification,
        "threshold_id": joint.threshold_id,
        "clock_days": joint.clock_days,
        "text": joint.text,
    }


def _dollars(cents: int) -> int | float:
    return cents / 100 if cents % 100 else cents // 100


def _warned(warned: Warned) -> Document:
    return {
        "code": warned.code,
        "text": warned.text,
        "request_ids": [*warned.request_ids],
    }


def _reason(reason: Reason) -> Document:
    return {"code": reason.code, "text": reason.text, "with": [*reason.others]}


def _fragmentation(found: Fragmentation) -> Document:
    return {
        "customer": found.customer,
        "system": found.system,
        "request_ids": [*found.request_ids],
        "value_usd": _dollars(found.value_cents),
        "mde_value_usd": _dollars(found.mde_value_cents),
        "threshold_id": found.threshold_id,
        "text": found.text,
    }


def _rulings(rulings: Rulings) -> list[Document]:
    sets = (
        ("together", rulings.together),
        ("apart", sorted(rulings.apart)),
        ("fixed", rulings.fixed),
    )
    return [
        {"kind": kind, "request_ids": [*ids]} for kind, found in sets for ids in found
    ]


def _extra_columns(batch: Batch) -> dict[str, dict[str, str]]:
    return {r.request_id: dict(r.extra) for r in batch.requests if r.extra}
