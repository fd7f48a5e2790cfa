"""What comes out of calls, for the description of the API: see also ``models``.

Figures are staff-days unless their name says otherwise; days are ``YYYY-MM-DD`` and
times RFC 3339 in UTC. An answer may hold more than is described.
"""

from typing import Any, Literal

from pydantic import Field

from app.api.models import BinShown, Open


class Ruling(Open):
    """A standing ruling over requests of a proposal."""

    kind: Literal["together", "apart", "fixed"]
    request_ids: list[str]


class BrokenRule(Open):
    """A rule that a bin does not keep after the edits."""

    bin_id: str
    code: str
    text: str
    request_ids: list[str]
    lifted_by_the_edit: bool = Field(
        description="Whether the ruling an edit leaves lifts it; else it forbids them."
    )


class BestPlan(Open):
    """The best plan that honours the edits."""

    finished: bool = Field(description="Whether the search ended by its gap.")
    cost: float
    bound: float
    gap: float
    change: float
    bins: list[dict[str, Any]]
    gone: list[str]


class Preview(Open):
    """What edits would change; of an undo, `undoes`, `change` and `edits` alone."""

    change: float = Field(description="What the total would change by, exactly.")
    cost_before: float | None = None
    cost_after: float | None = None
    may_be_saved: bool | None = None
    touched: list[str] | None = None
    new: list[str] | None = None
    gone: list[str] | None = None
    broken: list[BrokenRule] | None = None
    contradictions: list[str] | None = None
    rulings: list[Ruling] | None = None
    bins: list[dict[str, Any]] | None = None
    best: BestPlan | None = None
    best_missing: str | None = None
    undoes: int | None = None
    edits: list[dict[str, Any]] | None = None


class SheetPreview(Preview):
    """What a sheet that was sent back would change; `edits` are worked out from it."""

    version: int = Field(description="The version of the plan the sheet was made of.")
    named: dict[str, str] = Field(
        description="The id that each bin of a new name will have."
    )


class EditsSaved(Open):
    """Edits that were saved, and the version of the plan they made."""

    proposal_id: str
    version: int


class EditShown(Open):
    """Edits that were saved together."""

    edit: int
    version: int
    edits: list[dict[str, Any]]
    reason: str | None
    change: float
    at: str
    by: str
    undoes: int | None
    undone: bool


class Edits(Open):
    """Every edit of a proposal, first to last."""

    items: list[EditShown]


class DecisionListed(Open):
    """A decision as it was recorded."""

    decision_id: str
    bin_id: str
    version: int
    decision: Literal["accept", "return", "reject", "reopen"]
    reason_code: str | None
    reason: str | None
    releasable_reason: str | None
    at: str
    by: str


class Decisions(Open):
    """Every decision of a proposal, by bin and version."""

    items: list[DecisionListed]


class BinNow(Open):
    """A bin, and the version it is in."""

    bin_id: str
    version: int


class BinAside(Open):
    """A bin that a decision is not made on, and why.

    `by` and `at` say who made it what it is, and when; null where it never was.
    """

    bin_id: str
    code: Literal["gone", "changed", "open", "decided", "taken", "withdrawn"]
    text: str
    by: str | None
    at: str | None


class DecisionsMade(Open):
    """What was decided of many bins, in the versions they have now, and what not."""

    proposal_id: str
    decision: Literal["accept", "return", "reject", "reopen"]
    state: str
    reason_code: str | None
    reason: str | None
    at: str
    done: list[BinNow]
    aside: list[BinAside]


class DecisionsEffect(Open):
    """What a decision on many bins would do.

    `would` are the bins it would be made on. Where another person has to decide,
    `waits_for` says why, and the bins are under `waits`.
    """

    proposal_id: str
    decision: Literal["accept", "return", "reject", "reopen"]
    state: str
    would: list[BinNow]
    waits: list[BinNow]
    waits_for: str | None
    aside: list[BinAside]


class BinVersion(Open):
    """A bin as it was in one version."""

    version: int
    change: str
    state: Literal["open", "accepted", "returned", "rejected", "dissolved"]
    request_ids: list[str]
    at: str
    by: str


class LookAgain(Open):
    """Why a decided bin is to be looked at again."""

    cause: str
    request_id: str
    at: str


class BinWhole(BinShown):
    """A bin with its last decision and every version it had."""

    decision: DecisionListed | None
    look_again: list[LookAgain]
    history: list[BinVersion]


class Release(Open):
    """What the customers of a bin are told of it from now on."""

    proposal_id: str
    bin_id: str
    level: int
    customers: list[str]
    shown: dict[str, Any] | None


class ReviewShown(Open):
    """A decided bin to be looked at again."""

    review_id: str
    proposal_id: str
    bin_id: str
    customer: str
    request_id: str
    cause: str
    at: str


class Reviews(Open):
    """Decided bins to be looked at again."""

    items: list[ReviewShown]


class Block(Open):
    """A rule that keeps two requests apart."""

    code: str
    text: str


class Why(Open):
    """Whether two requests may share a bin: what blocks it, or what it would cost."""

    first_id: str
    second_id: str
    may_share: bool
    blocks: list[Block]
    together_now: bool
    price: float | None = None
    texts: list[str]


class Moved(Open):
    """What becomes of a request of a bin that an alternative changes."""

    request_id: str
    from_bin: str | None
    with_before: list[str]
    with_after: list[str]
    wait_days_before: int
    wait_days_after: int
    forecast_before: str
    forecast_after: str
    days_later: int = Field(description="Of its forecast; below 0 it is earlier.")


class Alternative(Open):
    """Another plan for the requests of a bin, and what it trades, in staff-days."""

    change: float = Field(description="Of the total cost, waiting included.")
    bound_change: float = Field(
        description="What every alternative but those before it changes it by at least."
    )
    is_proven: bool = Field(description="None but those before it costs less.")
    effort_change: float
    effort_change_low: float
    effort_change_high: float
    wait_cost_change: float
    wait_days_change: int
    bins_change: int
    gone: list[dict[str, Any]] = Field(description="Bins of the plan it does without.")
    new: list[dict[str, Any]] = Field(description="The bins in their place.")
    requests: list[Moved]
    edits: list[dict[str, Any]] = Field(description="Edits that lead there.")


class BinAlternatives(Open):
    """The nearest alternatives to what a plan does with a bin, cheapest first.

    Its part is all requests that allowed pairs link to it, directly or through others.
    """

    bin_id: str
    request_ids: list[str]
    part_requests: int
    part_cost: float
    in_time: bool = Field(description="Whether the search ended before its time.")
    alternatives: list[Alternative]
    further_bound_change: float | None = Field(
        description="What any alternative that is not listed changes the cost by at "
        "least; null where there is none."
    )
    exchanged: int = Field(
        description="Plans passed over, for they only exchange like requests."
    )


class PolicyListed(Open):
    """A policy in its last version."""

    name: str
    version: int
    title: str
    sha256: str
    created_at: str
    by: str | None


class Policies(Open):
    """Every policy."""

    items: list[PolicyListed]


class KeyListed(Open):
    """A key: whom it is for, never what it is."""

    key_id: str
    account_id: str
    name: str
    role: str
    customers: list[str] | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_on: str | None = Field(description="The day it was used last, by UTC.")


class Keys(Open):
    """Every key."""

    items: list[KeyListed]


class KeyRevoked(Open):
    """A key that lets nobody in any more."""

    key_id: str
    revoked_at: str


class AuditRecord(Open):
    """Who did what, when, before and after."""

    seq: int
    at: str
    actor: str
    role: str
    scope: str
    action: str
    object: str
    version_before: int | None
    version_after: int | None
    before: Any
    after: Any
    reason: str | None
    releasable_reason: str | None
    idempotency_key: str | None
    client: str | None
    result: str
    prev_hash: str
    hash: str


class CheckpointShown(Open):
    """What was signed of the trail last, and when."""

    size: int = Field(description="Records there were.")
    at: str
    key_id: str


class Verified(Open):
    """What a walk along the audit trail found."""

    records: int
    head: str
    ok: bool
    findings: list[str]
    finding_records: list[int | None] = Field(
        description="The record each finding concerns; null where there is none."
    )
    unlisted_findings: int
    checkpoints: int = Field(description="Signed checkpoints it was held against.")
    covered: int = Field(description="The last record that a checkpoint vouches for.")
    rows: int = Field(description="Stored rows that were held against their records.")
    steps_back: list[int] = Field(
        description="Records whose clock was behind that of the one before."
    )
    last_checkpoint: CheckpointShown | None


class Health(Open):
    """The process answers."""

    status: Literal["ok"]


class Ready(Open):
    """Whether the service can be used, and the settings of the store in force."""

    ready: bool
    store: str
    solver: str
    checkpoints: str
    single_user: bool | None = None
    reason: str | None = None
    note: str | None = None
    in_force: dict[str, str] | None = None


class RequestSent(Open):
    """A request as it is sent; what is not required has a default in model.md."""

    request_id: str = Field(examples=["POL-26-0007"])
    customer: str = Field(examples=["POL"])
    system: str = Field(examples=["HIMARS"])
    received_on: str = Field(examples=["2026-01-05"])
    value_usd: float = Field(examples=[1500000])
    configuration: str | None = None
    quantity: int | None = None
    lines: int | None = None
    mde_value_usd: float | None = None
    needed_by: str | None = None
    priority: str | None = None
    implementing_agency: str | None = None
    region: str | None = None
    force: str | None = None
    technology_review: bool | None = None
    end_use_monitoring: bool | None = None
    document: str | None = None
    keep_apart_from: str | None = None
    remarks: str | None = None


class BatchSent(Open):
    """Requests as one JSON document; a bare list of them is read as well."""

    requests: list[RequestSent]
