"""Proposals, the requests they are made for, and their bins."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from app.storage.schema.columns import key, metadata, number, one_of, text

proposals = Table(
    "proposals",
    metadata,
    key("proposal_id"),
    text("account_id", ForeignKey("accounts.account_id")),
    text("created_at"),
    text("finished_at", optional=True),
    text("state"),
    number("version"),  # of the plan: every edit makes a new one
    text("policy_name"),
    number("policy_version"),
    text("as_of"),
    number("time_limit_s"),
    text("gap_wanted"),
    text("scope"),  # JSON: what was asked for, batches or all that is open
    text("rulings"),  # JSON: the standing rulings it was made under
    text("parent_id", ForeignKey("proposals.proposal_id"), optional=True),
    text("superseded_by", optional=True),
    number("requests"),
    text("customers"),  # a JSON list: whose requests they are
    text("asked_sha256"),  # of its requests and batches
    text("stop_asked_at", optional=True),
    number("attempts", server_default="0"),
    text("failure", optional=True),
    text("failure_code", optional=True),
    number("clusters", optional=True),
    number("clusters_done", optional=True),
    number("incumbent", optional=True),
    number("bound", optional=True),
    text("heading", optional=True),  # JSON: the result without bins and certificate
    text("changes", optional=True),  # JSON: what differs from the parent
    ForeignKeyConstraint(
        ["policy_name", "policy_version"], ["policies.name", "policies.version"]
    ),
    one_of("state", "queued", "solving", "done", "failed", "cancelled"),
    one_of("failure_code", "no_plan", "solver"),
    Index("ix_proposals_order", "created_at", "proposal_id"),
    comment="Proposals and how far they have come.",
)

proposal_results = Table(
    "proposal_results",
    metadata,
    key("proposal_id", ForeignKey("proposals.proposal_id")),
    text("attempt"),
    text("certificate"),
    text("stated_sha256"),  # of what the plan states as a whole
    text("kept"),  # what a later solve may begin with
    text("document"),  # the result as it was made, before any edit
    comment="The long parts of a proposal's result, once for each proposal.",
)

proposal_batches = Table(
    "proposal_batches",
    metadata,
    key("proposal_id", ForeignKey("proposals.proposal_id")),
    key("batch_id", ForeignKey("batches.batch_id")),
    comment="The batches a proposal was asked for.",
)

proposal_requests = Table(
    "proposal_requests",
    metadata,
    key("proposal_id", ForeignKey("proposals.proposal_id")),
    key("label"),  # what the proposal calls the request
    text("customer"),
    text("request_id"),
    number("request_version"),
    UniqueConstraint("proposal_id", "customer", "request_id"),
    ForeignKeyConstraint(
        ["customer", "request_id", "request_version"],
        [
            "request_versions.customer",
            "request_versions.request_id",
            "request_versions.version",
        ],
    ),
    Index("ix_proposal_requests_request", "customer", "request_id"),
    comment="The requests of a proposal, as they were when it was asked for.",
)

proposal_events = Table(
    "proposal_events",
    metadata,
    key("proposal_id", ForeignKey("proposals.proposal_id")),
    Column("seq", Integer, primary_key=True),
    text("at"),
    text("kind"),
    text("data"),  # JSON
    comment="What a client that follows a solve is told.",
)

bins = Table(
    "bins",
    metadata,
    key("proposal_id", ForeignKey("proposals.proposal_id")),
    key("bin_id"),
    number("place"),
    number("version"),
    text("state"),
    number("level", server_default="0"),  # of disclosure, 0 to 3
    text("category", optional=True),
    text("systems"),  # |A|B|
    text("customers"),
    text("regions"),
    number("size"),
    number("saved"),
    number("value_cents"),  # of all its requests
    text("received_on"),  # the first of them
    text("forecast_on"),
    text("document"),  # JSON, as in proposal.json; last, for it is long
    one_of("state", "open", "accepted", "returned", "rejected", "dissolved"),
    CheckConstraint("level BETWEEN 0 AND 3", name="level_known"),
    ForeignKeyConstraint(
        ["proposal_id", "bin_id", "version"],
        [
            "bin_versions.proposal_id",
            "bin_versions.bin_id",
            "bin_versions.version",
        ],
        deferrable=True,
        initially="DEFERRED",
    ),
    Index("ix_bins_place", "proposal_id", "place"),
    Index("ix_bins_saved", "proposal_id", "saved", "place", "state", "bin_id"),
    Index("ix_bins_state", "proposal_id", "state", "forecast_on"),
    Index("ix_bins_standing", "state", "forecast_on"),
    comment="Every bin in its present version.",
)

bin_members = Table(
    "bin_members",
    metadata,
    key("proposal_id"),
    key("label"),
    text("bin_id"),
    ForeignKeyConstraint(
        ["proposal_id", "label"],
        ["proposal_requests.proposal_id", "proposal_requests.label"],
    ),
    ForeignKeyConstraint(
        ["proposal_id", "bin_id"], ["bins.proposal_id", "bins.bin_id"]
    ),
    Index("ix_bin_members_bin", "proposal_id", "bin_id"),
    comment="The one live bin of each request of a proposal.",
)

bin_versions = Table(
    "bin_versions",
    metadata,
    key("proposal_id", ForeignKey("proposals.proposal_id")),
    key("bin_id"),
    Column("version", BigInteger, primary_key=True),
    number("previous", optional=True),
    text("change"),
    text("state"),
    text("members"),  # a JSON list of labels
    text("figures_sha256", optional=True),  # where this version gave it others
    text("at"),
    text("account_id"),
    ForeignKeyConstraint(
        ["proposal_id", "bin_id", "previous"],
        [
            "bin_versions.proposal_id",
            "bin_versions.bin_id",
            "bin_versions.version",
        ],
    ),
    CheckConstraint(
        "(version = 1 AND previous IS NULL) OR previous = version - 1",
        name="no_gap",
    ),
    one_of("change", "proposed", "edited", "undone", "decided", "carried"),
    comment="Every version a bin ever had.",
)

# What people say of it ---------------------------------------------------------
