"""Problems and documents of test cases, as the tests of proposing need them."""

from datetime import UTC, datetime
from typing import Any

from app.export.document import InputHashes, proposal_document
from optimizer.problem import Problem
from optimizer.proposal.values import Proposal
from optimizer.rulings import Ruling, RulingKind, Rulings, settle
from optimizer.why import as_rulings
from tests.factories import Case


def problem_of(case: Case) -> Problem:
    """Return a case as a problem."""
    return Problem(
        batch=case.batch,
        policy=case.policy,
        catalogue=case.catalogue,
        as_of=case.as_of,
        rulings=case.rulings,
    )


def document_of(proposal: Proposal) -> dict[str, Any]:
    """Return the document of a proposal made at a fixed time."""
    return proposal_document(
        proposal,
        created_at=datetime(2026, 1, 5, 10, tzinfo=UTC),
        solve_seconds=0.25,
        hashes=InputHashes(requests="1" * 64),
        versions={"allybin": "0.1.0"},
    )


def ruled(case: Case, kind: str, *request_ids: str) -> Rulings:
    """Return the case's rulings and one more."""
    one_more = Ruling(kind=RulingKind(kind), request_ids=request_ids)
    return settle([*as_rulings(case.rulings), one_more], case.batch)
