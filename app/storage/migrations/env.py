"""Runs revisions on the connection, and in the transaction, that it is handed."""

from alembic import context

from app.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite's tables are made and changed in transactions too.
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
