"""What goes in and out, for the description of the API and for strict reading."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Id = Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$", examples=["3f2a…"])]
Label = Annotated[
    str,
    Field(min_length=1, max_length=132, examples=["POL-26-0007"]),
]
BinId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$", examples=["B0001"])]
Reason = Annotated[
    str,
    Field(
        min_length=3,
        max_length=2000,
        description="3 to 2,000 visible characters.",
        examples=["Same configuration, same quarter."],
    ),
]


class Strict(BaseModel):
    """A body: types are exact, unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Open(BaseModel):
    """An answer: documented members, and more where the document says so."""

    model_config = ConfigDict(extra="allow")


class ProblemError(Open):
    """One thing that is wrong."""

    row: int | None = None
    column: str | None = None
    code: str
    message: str
    value: str | None = None


class ProblemDetails(Open):
    """RFC 9457 problem details: every error has this shape."""

    type: str = Field(examples=["/problems/not-there"])
    title: str
    status: int
    detail: str
    errors: list[ProblemError] | None = None


class BatchSummary(Open):
    """What became of a batch."""

    batch_id: str | None
    requests: int = Field(description="Requests read without a fault.")
    stored: int
    unchanged: int
    refused: int = Field(description="Rows left out, with `on_error=skip`.")
    extra_columns: list[str]
    errors: list[ProblemError]


class Batch(Open):
    """A batch as it came."""

    batch_id: str
    customer: str = Field(description="Its sender's customer; `*` for more than one.")
    created_at: str
    label: str | None
    format: str
    sha256: str
    stored: int
    unchanged: int
    refused: int


class RequestShown(Open):
    """A request as it stands."""

    uid: str = Field(description="The id it is addressed by.")
    version: int
    state: Literal["open", "withdrawn"]
    request_id: str
    customer: str
    system: str
    received_on: str
    value_usd: float
    configuration: str | None
    quantity: int | None
    lines: int
    mde_value_usd: float
    needed_by: str | None
    priority: str
    implementing_agency: str
    region: str
    force: str | None
    technology_review: bool
    end_use_monitoring: bool
    document: str
    keep_apart_from: list[str]
    remarks: str | None
    extra: dict[str, str] = Field(description="Further columns, kept unread.")


class Page[Item](Open):
    """Some entries, and where the next page begins."""

    items: list[Item]
    next: str | None


class ProposalWanted(Strict):
    """What a proposal is asked for: some batches, or all that is open."""

    batch_ids: list[Id] | None = Field(
        None, min_length=1, max_length=1000, description="Or `all_open`."
    )
    all_open: bool = False
    policy: str = Field(
        "nato-rdp", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", examples=["nato-all"]
    )
    policy_version: int | None = Field(None, ge=1, le=1_000_000)
    as_of: str | None = Field(
        None,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description="The day it is made for; today by UTC when not given.",
        examples=["2026-01-05"],
    )
    time_limit_s: int | None = Field(None, ge=1, le=86_400)
    gap: float | int = Field(0, ge=0, le=1, examples=[0.001])

    @model_validator(mode="after")
    def _one_of_both(self) -> "ProposalWanted":
        if (self.batch_ids is None) == (not self.all_open):
            raise ValueError("name batch_ids, or say all_open, not both")
        if self.batch_ids and len({*self.batch_ids}) != len(self.batch_ids):
            raise ValueError("batch_ids names a batch twice")
        return self

    @property
    def day(self) -> date | None:
        """The day, where one is given."""
        return None if self.as_of is None else date.fromisoformat(self.as_of)


class Move(Strict):
    """Move a request to another bin."""

    op: Literal["move"]
    request_id: Label
    to_bin: BinId


class TakeOut(Strict):
    """Take a request out of its bin, into one of its own."""

    op: Literal["take_out"]
    request_id: Label


class Split(Strict):
    """Take some requests of a bin into a new one."""

    op: Literal["split"]
    bin_id: BinId
    request_ids: list[Label] = Field(min_length=1, max_length=1000)


class Merge(Strict):
    """Put bins together; the first lives on."""

    op: Literal["merge"]
    bin_ids: list[BinId] = Field(min_length=2, max_length=100)


class KeepTogether(Strict):
    """Keep requests in one bin, now and in every later solve."""

    op: Literal["keep_together"]
    request_ids: list[Label] = Field(min_length=2, max_length=1000)


class KeepApart(Strict):
    """Keep requests in different bins, now and in every later solve."""

    op: Literal["keep_apart"]
    request_ids: list[Label] = Field(min_length=2, max_length=100)


class Undo(Strict):
    """Take back the last edit that is not taken back yet; the only one of its call."""

    op: Literal["undo"]


type AnyEdit = Annotated[
    Move | TakeOut | Split | Merge | KeepTogether | KeepApart | Undo,
    Field(discriminator="op"),
]


class PreviewWanted(Strict):
    """Edits to price; nothing is saved."""

    edits: list[AnyEdit] = Field(min_length=1, max_length=200)


class EditsWanted(PreviewWanted):
    """Edits to save, all of them or none."""

    reason: Reason | None = None


class ResolveWanted(Strict):
    """How to solve again; what is not given stays as it was."""

    time_limit_s: int | None = Field(None, ge=1, le=86_400)
    gap: float | int | None = Field(None, ge=0, le=1)
    as_of: str | None = Field(None, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")


class DecisionWanted(Strict):
    """What is decided of a bin; `return` and `reject` need a reason.

    `reopen` takes the decision that stands back: the bin is open again.
    """

    decision: Literal["accept", "return", "reject", "reopen"]
    reason_code: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9_-]{0,31}$", examples=["wrong-configuration"]
    )
    reason: Reason | None = None
    releasable_reason: Reason | None = Field(
        None, description="What a customer may be told; names nothing of others."
    )


class BinSeen(Strict):
    """A bin in the version that was seen; another version is not decided."""

    bin_id: BinId
    version: int = Field(ge=1, examples=[1])


class DecisionsWanted(DecisionWanted):
    """What is decided of many bins at once, each in the version that was seen."""

    bins: list[BinSeen] = Field(min_length=1, max_length=5000)


class ReleaseWanted(Strict):
    """What a customer is to be told of a bin: a level, and consents at level 3."""

    level: int = Field(ge=0, le=3)
    consents: dict[str, str] = Field(
        default_factory=dict,
        max_length=100,
        description="By customer, where its consent is recorded; level 3 needs all.",
    )


Regions = Annotated[
    list[str] | None,
    Field(
        min_length=1,
        max_length=20,
        description="Planning regions an analyst or approver is limited to, or a batch "
        "key is for: each stands for the customers it has now, beside those named.",
        examples=[["Baltic"]],
    ),
]


class KeyWanted(Strict):
    """A key to make."""

    name: str = Field(min_length=1, max_length=100, examples=["Poland's feed"])
    role: Literal["submitter", "batch", "analyst", "approver", "auditor", "admin"]
    customers: list[str] | None = Field(
        None,
        min_length=1,
        max_length=300,
        description="Customers a submitter or batch key is for, or an analyst or "
        "approver is limited to; none for all (not of submitters).",
        examples=[["POL"]],
    )
    regions: Regions = None
    expires_on: str | None = Field(None, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")


class AccountWanted(Strict):
    """An account for a person whom an OpenID Connect provider vouches for."""

    name: str = Field(min_length=1, max_length=100, examples=["A. Approver"])
    role: Literal["submitter", "analyst", "approver", "auditor", "admin"]
    customers: list[str] | None = Field(
        None,
        min_length=1,
        max_length=300,
        description="A submitter's one customer, or those an analyst or approver is "
        "limited to; none for all.",
    )
    regions: Regions = None
    issuer: str = Field(
        pattern=r"^https?://[!-~]{1,200}$", examples=["https://login.example.org"]
    )
    subject: str = Field(
        pattern=r"^[!-~]{1,255}$", description="The provider's `sub` of the person."
    )


class RoleWanted(Strict):
    """A role to put in the place of those an account has."""

    role: Literal["submitter", "batch", "analyst", "approver", "auditor", "admin"]
    customers: list[str] | None = Field(
        None,
        min_length=1,
        max_length=300,
        description="A submitter's one customer, or those the role is limited to; none "
        "for all.",
    )
    regions: Regions = None


GRANT_ID = Field(
    description="What waits for a second admin; until it is confirmed the account has "
    "the role it had before, or none."
)


class GrantShown(Open):
    """A role that waits for a second admin."""

    grant_id: str
    account_id: str
    name: str
    role: str
    customers: list[str] | None
    asked_at: str
    asked_by: str


class Grants(Open):
    """Every role that waits for a second admin."""

    items: list[GrantShown]


class AccountShown(Open):
    """An account: who it is and what it may."""

    account_id: str
    name: str
    role: str
    customers: list[str] | None
    openid: bool = Field(description="Whether a provider vouches for it.")
    created_at: str
    disabled_at: str | None
    grant_id: str | None = GRANT_ID


class Accounts(Open):
    """Every account."""

    items: list[AccountShown]


class KeyMade(Open):
    """A new key: this is the only time it is shown."""

    key_id: str
    key: str
    account_id: str
    name: str
    role: str
    customers: list[str] | None
    expires_at: str | None
    grant_id: str | None = GRANT_ID


class Objective(Open):
    """What all bins come to, beside reviewing every request alone; in staff-days."""

    total: float = Field(description="Effort plus the charge for waiting.")
    effort_days: float
    wait_cost: float
    baseline_total: float
    baseline_effort_days: float
    saved_effort_days: float
    saved_effort_days_low: float
    saved_effort_days_high: float


class BinWarning(Open):
    """What must be known before a bin is decided."""

    code: str
    text: str
    request_ids: list[str]


class BinShown(Open):
    """A bin as in proposal.json, with where it stands; figures in staff-days."""

    bin_id: str
    version: int = Field(description="What a decision names with If-Match.")
    state: Literal["open", "accepted", "returned", "rejected", "dissolved"]
    disclosure_level: int
    request_ids: list[str]
    category: str | None
    systems: list[str]
    customers: list[str]
    regions: list[str]
    fixed: bool
    starts_on: str
    forecast_on: str
    effort_days: float
    wait_cost: float
    solo_effort_days: float
    saved_effort_days: float
    saved_effort_days_low: float
    saved_effort_days_high: float
    wait_days: dict[str, int] = Field(description="By request.")
    fair_share: dict[str, float] = Field(description="By customer.")
    warnings: list[BinWarning]


class PolicyUsed(Open):
    """The policy a proposal is made by, in the version it used."""

    name: str
    version: int


class ProposalShown(Open):
    """A proposal: what was asked, how far it is, and then its result (model.md 7)."""

    proposal_id: str
    state: Literal["queued", "solving", "done", "failed", "cancelled"]
    version: int = Field(description="What an edit names with If-Match.")
    created_at: str
    finished_at: str | None
    policy: PolicyUsed
    as_of: str
    time_limit_s: int
    gap_wanted: float
    requests: int
    batch_ids: list[str] | None
    parent_id: str | None = Field(description="The proposal this one takes over from.")
    superseded_by: str | None
    attempts: int
    failure: str | None
    failure_code: Literal["no_plan", "solver"] | None = Field(
        description="`no_plan`: no plan can obey the rulings and limits. `solver`: the "
        "solver failed; where there are bins, they were made without it."
    )
    clusters: int | None
    clusters_done: int | None
    incumbent: float | None = Field(description="Staff-days; null until there is one.")
    bound: float | None
    gap: float | None
    status: Literal["optimal", "feasible"] | None = None
    objective: Objective | None = None
    bins: list[BinShown] | None = None


class DecisionShown(Open):
    """A decision that was recorded."""

    decision_id: str
    proposal_id: str
    bin_id: str
    version: int
    state: str
    decision: Literal["accept", "return", "reject", "reopen"]


class PolicyShown(Open):
    """A policy in one version."""

    name: str
    version: int
    title: str
    sha256: str
