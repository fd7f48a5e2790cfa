"""The tables, the same on SQLite and PostgreSQL.

Invariants are in the schema, not in the code that writes:

- a request of a proposal is in exactly one live bin: ``bin_members`` has it as its key;
- versions of a bin are 1, 2, 3 ... without gap or fork: each names the one before it,
  which is its own number less one and has to be there;
- what a decision or an edit did is one version of a bin, and one record of the trail;
- an id of one customer is no other's business: requests are keyed by customer and id.

Times are UTC, text of one width (``2026-11-22T07:00:00.123456Z``), days ISO dates:
they sort, compare and hash the same on both databases. Costs are whole thousandths of
a staff-day, amounts whole cents. JSON is text, canonical where it is hashed. Ids seen
outside are random. ``*`` as the customer of a batch stands for a sender of no single
customer.
"""

from app.storage.schema.asking import (
    batch_requests,
    batches,
    policies,
    request_versions,
    requests,
)
from app.storage.schema.columns import MANY_CUSTOMERS, metadata
from app.storage.schema.judged import (
    decisions,
    edits,
    releases,
    reviews,
    ruling_members,
    rulings,
)
from app.storage.schema.people import (
    accounts,
    api_keys,
    facts,
    role_grants,
    sessions,
)
from app.storage.schema.planning import (
    bin_members,
    bin_versions,
    bins,
    proposal_batches,
    proposal_events,
    proposal_requests,
    proposal_results,
    proposals,
)
from app.storage.schema.trail import audit, audit_head, audit_texts, idempotency

__all__ = [
    "MANY_CUSTOMERS",
    "accounts",
    "api_keys",
    "audit",
    "audit_head",
    "audit_texts",
    "batch_requests",
    "batches",
    "bin_members",
    "bin_versions",
    "bins",
    "decisions",
    "edits",
    "facts",
    "idempotency",
    "metadata",
    "policies",
    "proposal_batches",
    "proposal_events",
    "proposal_requests",
    "proposal_results",
    "proposals",
    "releases",
    "request_versions",
    "requests",
    "reviews",
    "role_grants",
    "ruling_members",
    "rulings",
    "sessions",
]
