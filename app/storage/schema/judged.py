"""What people did with bins: decisions, edits, rulings, reviews, releases."""

from sqlalchemy import (
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

decisions = Table(
    "decisions",
    metadata,
    key("decision_id"),
    text("proposal_id"),
    text("bin_id"),
    number("version"),  # of the bin, which it made
    text("decision"),
    text("reason_code", optional=True),
    text("reason", optional=True),
    text("releasable_reason", optional=True),
    text("at"),
    text("account_id", ForeignKey("accounts.account_id")),
    UniqueConstraint("proposal_id", "bin_id", "version"),
    ForeignKeyConstraint(
        ["proposal_id", "bin_id", "version"],
        [
            "bin_versions.proposal_id",
            "bin_versions.bin_id",
            "bin_versions.version",
        ],
    ),
    one_of("decision", "accept", "return", "reject", "reopen"),
    comment="Decisions; only ever added. The last one of a bin stands.",
)

edits = Table(
    "edits",
    metadata,
    key("proposal_id", ForeignKey("proposals.proposal_id")),
    Column("seq", Integer, primary_key=True),
    number("version"),  # of the proposal, which it made
    text("edits"),  # JSON, as they came
    text("before"),  # JSON: members of the bins it touched, by bin
    text("after"),
    text("reason", optional=True),
    number("change"),  # of the total cost
    text("stated_sha256"),  # of what the plan states as a whole from then on
    text("at"),
    text("account_id", ForeignKey("accounts.account_id")),
    Column("undoes", Integer, nullable=True),
    UniqueConstraint("proposal_id", "version"),
    UniqueConstraint("proposal_id", "undoes"),
    ForeignKeyConstraint(["proposal_id", "undoes"], ["edits.proposal_id", "edits.seq"]),
    comment="Edits; only ever added. An undo is an edit that names what it undoes.",
)

rulings = Table(
    "rulings",
    metadata,
    key("ruling_id"),
    text("kind"),
    text("proposal_id", ForeignKey("proposals.proposal_id")),
    Column("edit", Integer, nullable=True),
    text("decision_id", ForeignKey("decisions.decision_id"), optional=True),
    text("at"),
    text("account_id", ForeignKey("accounts.account_id")),
    text("ended_at", optional=True),
    text("ended_by", optional=True),
    ForeignKeyConstraint(["proposal_id", "edit"], ["edits.proposal_id", "edits.seq"]),
    one_of("kind", "together", "apart", "fixed"),
    CheckConstraint("(edit IS NULL) <> (decision_id IS NULL)", name="has_one_source"),
    Index("ix_rulings_standing", "ended_at"),
    Index("ix_rulings_source", "proposal_id", "edit"),
    comment="Standing rulings: they bind every later solve until they are ended.",
)

ruling_members = Table(
    "ruling_members",
    metadata,
    key("ruling_id", ForeignKey("rulings.ruling_id")),
    key("customer"),
    key("request_id"),
    ForeignKeyConstraint(
        ["customer", "request_id"], ["requests.customer", "requests.request_id"]
    ),
    Index("ix_ruling_members_request", "customer", "request_id"),
    comment="The requests a ruling is about.",
)

reviews = Table(
    "reviews",
    metadata,
    key("review_id"),
    text("customer"),
    text("request_id"),
    text("proposal_id"),
    text("bin_id"),
    text("cause"),
    text("at"),
    text("settled_at", optional=True),
    text("settled_by", optional=True),
    ForeignKeyConstraint(
        ["customer", "request_id"], ["requests.customer", "requests.request_id"]
    ),
    ForeignKeyConstraint(
        ["proposal_id", "bin_id"], ["bins.proposal_id", "bins.bin_id"]
    ),
    one_of("cause", "changed", "withdrawn"),
    comment="Decided bins to look at again, because one of their requests changed.",
)

releases = Table(
    "releases",
    metadata,
    key("release_id"),
    text("proposal_id"),
    text("bin_id"),
    text("customer"),
    number("level"),
    text("shown"),  # JSON: exactly what the customer is shown
    text("consents"),  # JSON: who agreed, and the record of it; for level 3
    text("at"),
    text("account_id", ForeignKey("accounts.account_id")),
    ForeignKeyConstraint(
        ["proposal_id", "bin_id"], ["bins.proposal_id", "bins.bin_id"]
    ),
    Index("ix_releases_bin", "proposal_id", "bin_id"),
    comment="What was told to which customer about a bin; only ever added.",
)

# The trail -------------------------------------------------------------------------
