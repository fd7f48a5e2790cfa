"""A proposal as a PDF to read and file: typst sets it, tagged, with its own text."""

from typing import Any, BinaryIO

from app.export.typeset import write_typeset
from optimizer.batch import Batch
from optimizer.policy import Policy

type Document = dict[str, Any]


def write_pdf(
    stream: BinaryIO, document: Document, batch: Batch, policy: Policy
) -> None:
    """Write a proposal as a PDF: what it saves, its proof, and its bins."""
    write_typeset(stream, "proposal.typ", _said(document, batch, policy))


def _said(document: Document, batch: Batch, policy: Policy) -> Document:
    """Return what the template shows."""
    combined = [one for one in document["bins"] if len(one["request_ids"]) > 1]
    return {
        "title": f"Proposal {document['proposal_id'][:8]}",
        "policy": policy.title,
        "as_of": document["as_of"],
        "created_at": document["created_at"],
        "status": document["status"],
        "gap": f"{document['gap'] * 100:.3f} %",
        "requests": len(batch),
        "bins": len(document["bins"]),
        "combined": len(combined),
        "total": _days(document["objective"]["total"]),
        "baseline": _days(document["objective"]["baseline_total"]),
        "saved": _days(document["objective"]["saved_effort_days"]),
        "bound": _days(document["lower_bound"]),
        "rows": [
            {
                "bin_id": one["bin_id"],
                "customers": ", ".join(one["customers"]),
                "systems": ", ".join(one["systems"]),
                "requests": ", ".join(one["request_ids"]),
                "starts_on": one["starts_on"],
                "forecast_on": one["forecast_on"],
                "effort": _days(one["effort_days"]),
                "solo": _days(one["solo_effort_days"]),
                "saved": _days(one["saved_effort_days"]),
                "warnings": " ".join(warning["text"] for warning in one["warnings"]),
            }
            for one in combined
        ],
    }


def _days(value: float) -> str:
    return f"{value:,.1f}"
