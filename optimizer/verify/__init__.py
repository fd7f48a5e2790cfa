"""An independent check of a proposal: everything in it recomputed from the input.

It is written from model.md alone and shares no code with the solving path: it reads
only the value types (batch, catalogue, policy, rulings). Units are counted as sets of
what is there, rules are asked of every pair, shares are averaged over coalitions, so
that a mistake of the solver is not repeated here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from optimizer.batch import Batch
from optimizer.catalogue import Catalogue
from optimizer.policy import Policy
from optimizer.rulings import Rulings
from optimizer.verify import bins as one_bin
from optimizer.verify import figures, whole
from optimizer.verify.facts import Members, Setting, settle_facts
from optimizer.verify.report import Finding, Report, at, number, sequence
from optimizer.verify.tally import Tally, Totals, totals_alone

__all__ = ["CertificateCheck", "Finding", "verify"]

type CertificateCheck = Callable[[Decimal], Iterable[str]]
"""Handed the stated lower bound in staff-days; yields what is wrong with its proof."""


def verify(
    document: Mapping[str, object],
    batch: Batch,
    policy: Policy,
    catalogue: Catalogue,
    as_of: date,
    rulings: Rulings,
    *,
    certificate_check: CertificateCheck | None = None,
) -> tuple[Finding, ...]:
    """Recompute everything in a proposal document and say what does not hold.

    Times, hashes of the input, versions and the wording of texts are not checked.

    Parameters
    ----------
    document
        A proposal as it is written to ``proposal.json``. Whatever its shape, it is
        judged and never raises.
    batch, policy, catalogue, as_of, rulings
        What the proposal claims to be made of.
    certificate_check
        A judge of the proof behind the lower bound, where the caller has one.
        Without it the bound is checked only against plans known to be allowed.

    Returns
    -------
    tuple of Finding
        Empty when all of it holds.
    """
    setting = settle_facts(batch, policy, catalogue, as_of, rulings)
    report = Report()
    whole.check_heading(report, setting, document)
    listed = sequence(at(document, "bins"))
    outlines = [whole.outline(setting, stated) for stated in listed]
    named = [outline.request_ids for outline in outlines]
    whole.check_partition(report, setting, named)
    whole.check_rulings(report, setting, at(document, "rulings"), named)
    whole.check_order(report, outlines)
    whole.check_fragmentation(report, setting, at(document, "fragmentation"))
    total, cheapest = _check_bins(report, setting, document, listed, named)
    whole.check_bound(report, document, total, cheapest)
    bound = number(at(document, "lower_bound"))
    if certificate_check is not None and bound is not None:
        for sentence in certificate_check(bound):
            report.add("lower_bound", "certificate", sentence)
    return tuple(report.findings)


def _check_bins(
    report: Report,
    setting: Setting,
    document: Mapping[str, object],
    listed: Sequence[object],
    named: Sequence[tuple[str, ...]],
) -> tuple[int, int]:
    """Check every bin, then the totals; nothing of a bin is kept but its figures.

    Returns the cost of the plan and that of the cheapest allowed plan come across, in
    thousandths.
    """
    tally = Tally(setting.policy)
    together = Totals(tally)
    waiting = cheapest = 0
    for place, (stated, ids) in enumerate(zip(listed, named, strict=True)):
        where = f"bins[{place}]"
        members = tuple(setting.facts[name] for name in ids if name in setting.facts)
        if not members or len(members) != len(set(ids)):
            report.add(where, "shape", f"{where} is not a list of requests, each once.")
            continue
        efforts = tally.efforts(members)
        together.add(efforts)
        waiting += figures.waiting(setting.policy, members)
        _check_bin(report, setting, tally, where, stated, members)
        one_bin.check_figures(report, setting, tally, where, stated, members, efforts)
        if not report.findings:
            cheapest += whole.cheapest_nearby(setting, tally, members)
    alone = totals_alone(tally, setting.facts.values())
    total = whole.check_objective(
        report, at(document, "objective"), together, alone, waiting
    )
    return total, total if report.findings else cheapest


def _check_bin(
    report: Report,
    setting: Setting,
    tally: Tally,
    where: str,
    stated: object,
    members: Members,
) -> None:
    """Check what a bin is and says: allowed or fixed, joint case, warnings, reasons."""
    fixed = frozenset(one_bin.ids_of(members)) in setting.fixed
    report.same(f"{where}.fixed", at(stated, "fixed"), fixed)
    if not fixed:
        one_bin.check_allowed(report, setting, where, members)
    one_bin.check_joint_case(report, where, at(stated, "joint_case"), members)
    one_bin.check_warnings(report, tally, where, at(stated, "warnings"), members)
    reasons = at(stated, "alone_because")
    if len(members) == 1 and not fixed:
        one_bin.check_reasons(report, setting, where, reasons, members[0])
    elif sequence(reasons):
        report.add(
            f"{where}.alone_because",
            "alone_because",
            f"{where} is not a request left alone, yet says why it is.",
        )
