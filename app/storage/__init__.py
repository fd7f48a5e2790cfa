"""What the service remembers: one schema for SQLite and PostgreSQL."""
