"""The receipt: what was computed from what, by what, and how good it is."""

from app.export.numbers import days, decimal_text, percent, whole
from app.export.tables import Document


def verdict(document: Document) -> str:
    """Say in a sentence how good the proposal is, as proven."""
    if document["status"] == "optimal":
        return (
            "Proven optimal: no other grouping of these requests under this policy "
            "has a lower total cost."
        )
    return (
        f"Not proven optimal: a better grouping would cost at most "
        f"{percent(document['gap'])} less, the total cost cannot go below "
        f"{days(document['lower_bound'])} staff-days."
    )


def receipt_rows(document: Document) -> list[tuple[str, str]]:
    """Return the receipt as (what, value) in reading order."""
    source, policy = document["input"], document["policy"]
    rows = [
        ("Proposal", document["proposal_id"]),
        ("Created at (UTC)", document["created_at"]),
        ("As of", document["as_of"]),
        ("Status", document["status"]),
        ("Meaning", verdict(document)),
        ("Total cost, staff-days", decimal_text(document["objective"]["total"])),
        ("Proven lower bound, staff-days", decimal_text(document["lower_bound"])),
        ("Gap", percent(document["gap"])),
        ("Solve time, seconds", decimal_text(document["solve_seconds"])),
        ("Requests", whole(source["requests"])),
        ("Requests, SHA-256", source["sha256"]),
        ("Precedents", whole(source["precedents"])),
        ("Precedents, SHA-256", source["precedents_sha256"]),
        ("Rulings", whole(len(document["rulings"]))),
        ("Rulings, SHA-256", source["rulings_sha256"]),
        ("Policy", policy["name"]),
        ("Policy, SHA-256", policy["sha256"]),
    ]
    versions = document["versions"].items()
    rows += [(f"Version of {name}", version) for name, version in versions]
    return [(name, value or "none") for name, value in rows]
