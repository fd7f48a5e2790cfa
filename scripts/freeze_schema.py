"""Write the schema out as the first migration makes it, until the first release.

Afterwards a change of the schema is a revision of its own: a store that was made by a
release has to become what the schema says, and 0001 has to stay what it was.
"""

from pathlib import Path

from app.storage.migrations import made

VERSIONS = Path(made.__file__).parent / "versions"


def main() -> None:
    """Write a file for either kind of database."""
    for dialect in ("sqlite", "postgresql"):
        lines = "\n".join(made.statements(dialect))
        (VERSIONS / f"0001_{dialect}.sql").write_text(f"{lines}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
