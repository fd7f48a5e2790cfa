"""Who may come in, and what is known of the store itself."""

from sqlalchemy import (
    ForeignKey,
    Table,
)

from app.storage.schema.columns import key, metadata, one_of, text

facts = Table(
    "facts",
    metadata,
    key("name"),
    text("value"),
    comment="What is true of this database as a whole, such as its own id.",
)

# Who may come in -------------------------------------------------------------

accounts = Table(
    "accounts",
    metadata,
    key("account_id"),
    text("name"),
    text("roles"),  # a JSON list
    text("customers", optional=True),  # a JSON list; null for all
    text("subject", unique=True, optional=True),  # issuer and subject of OpenID
    text("created_at"),
    text("created_by", optional=True),
    text("disabled_at", optional=True),
    comment="People and programs, with what they may do.",
)

api_keys = Table(
    "api_keys",
    metadata,
    key("key_id"),
    text("account_id", ForeignKey("accounts.account_id"), index=True),
    text("hash"),  # SHA-256 of the whole key
    text("created_at"),
    text("expires_at", optional=True),
    text("revoked_at", optional=True),
    text("last_used_on", optional=True),
    comment="API keys; the key itself is shown once and not kept.",
)

role_grants = Table(
    "role_grants",
    metadata,
    key("grant_id"),
    text("account_id", ForeignKey("accounts.account_id"), index=True),
    text("role"),
    text("customers", optional=True),  # a JSON list; null for all
    text("asked_at"),
    text("asked_by"),
    text("settled_at", optional=True),
    text("settled_by", optional=True),
    text("outcome", optional=True),
    one_of("outcome", "confirmed", "refused", "replaced"),
    comment="Roles that are given once a second admin confirms it.",
)

sessions = Table(
    "sessions",
    metadata,
    key("session_hash"),  # SHA-256 of the cookie's value
    text("account_id", ForeignKey("accounts.account_id"), index=True),
    text("form_token"),
    text("address", optional=True),  # that it began from, as addresses are counted
    text("created_at"),
    text("expires_at"),
    text("ended_at", optional=True),
    comment="Signed-in browsers.",
)

# What customers ask for --------------------------------------------------------
