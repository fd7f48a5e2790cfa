"""What is asked for: batches and requests in all their versions; policies."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Table,
)

from app.storage.schema.columns import key, metadata, number, one_of, text

batches = Table(
    "batches",
    metadata,
    key("batch_id"),
    text("customer"),
    text("account_id", ForeignKey("accounts.account_id")),
    text("created_at"),
    text("label", optional=True),  # the file's name, a label and no path
    text("format"),
    text("sha256"),  # of the body as it came
    number("stored"),
    number("unchanged"),
    number("refused"),
    text("extra_columns"),  # a JSON list
    text("rows_sha256"),  # of its rows, as batch_requests has them
    Index("ix_batches_order", "created_at", "batch_id"),
    comment="What was sent at once, and what became of it.",
)

requests = Table(
    "requests",
    metadata,
    key("customer"),
    key("request_id"),
    text("request_uid", unique=True),
    number("version"),
    text("state"),
    text("system"),
    text("region"),
    text("received_on"),
    text("needed_by", optional=True),
    number("value_cents"),
    text("priority"),
    text("batch_id", ForeignKey("batches.batch_id")),  # the first it came in
    text("created_at"),
    text("changed_at"),
    one_of("state", "open", "withdrawn"),
    ForeignKeyConstraint(
        ["customer", "request_id", "version"],
        [
            "request_versions.customer",
            "request_versions.request_id",
            "request_versions.version",
        ],
        deferrable=True,
        initially="DEFERRED",
        use_alter=False,
    ),
    Index("ix_requests_customer", "customer", "created_at", "request_id"),
    Index("ix_requests_order", "created_at", "customer", "request_id"),
    comment="Every request in its present version.",
)

request_versions = Table(
    "request_versions",
    metadata,
    key("customer"),
    key("request_id"),
    Column("version", BigInteger, primary_key=True),
    text("request_uid"),
    number("previous", optional=True),
    text("state"),
    text("content"),  # the request as JSON, canonical
    text("sha256"),
    text("at"),
    text("account_id"),
    ForeignKeyConstraint(
        ["customer", "request_id", "previous"],
        [
            "request_versions.customer",
            "request_versions.request_id",
            "request_versions.version",
        ],
    ),
    CheckConstraint(
        "(version = 1 AND previous IS NULL) OR previous = version - 1",
        name="no_gap",
    ),
    comment="Every version a request ever had.",
)

batch_requests = Table(
    "batch_requests",
    metadata,
    key("batch_id", ForeignKey("batches.batch_id")),
    Column("place", BigInteger, primary_key=True),
    text("customer"),
    text("request_id"),
    text("outcome"),
    one_of("outcome", "stored", "unchanged"),
    ForeignKeyConstraint(
        ["customer", "request_id"], ["requests.customer", "requests.request_id"]
    ),
    Index("ix_batch_requests_request", "customer", "request_id"),
    comment="Which requests came in which batch, in the order of its rows.",
)

policies = Table(
    "policies",
    metadata,
    key("name"),
    Column("version", BigInteger, primary_key=True),
    text("title"),
    text("sha256"),
    text("toml"),
    text("created_at"),
    text("account_id", optional=True),  # null: shipped
    comment="Every version of every policy; nothing is changed, only added.",
)

# What is proposed ----------------------------------------------------------------
