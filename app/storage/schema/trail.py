"""The audit trail, and the first answers of calls."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
)

from app.storage.schema.columns import key, metadata, number, text

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    text("at"),
    text("actor"),
    text("role"),
    text("scope"),
    text("action"),
    text("object"),
    number("version_before", optional=True),
    number("version_after", optional=True),
    text("before", optional=True),
    text("after", optional=True),
    text("reason_hash", optional=True),
    text("releasable_reason", optional=True),
    text("idempotency_key", optional=True),
    text("client", optional=True),
    text("result"),
    text("prev_hash"),
    text("hash"),
    Index("ix_audit_object", "object"),
    comment="Who did what, when: a chain of hashes. Never changed, never shortened.",
)

audit_texts = Table(
    "audit_texts",
    metadata,
    key("hash"),  # salted
    text("salt"),
    text("text", optional=True),  # null once erased
    text("erased_at", optional=True),
    comment="Reasons, apart from the chain, so that one can be erased by order.",
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    number("seq"),
    text("hash"),
    CheckConstraint("one = 1", name="is_one"),
    comment="The end of the chain; whoever adds to it holds this row.",
)

idempotency = Table(
    "idempotency",
    metadata,
    key("account_id", ForeignKey("accounts.account_id")),
    key("key"),
    text("call"),  # method and path
    text("body_sha256"),
    text("at"),
    Column("status", Integer, nullable=True),  # null only inside its transaction
    text("headers", optional=True),  # JSON
    text("body", optional=True),
    comment="The first answer to a call with a key, kept as long as what it made.",
)
