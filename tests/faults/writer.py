"""A program that writes to a store, one record a transaction, and says what came of it.

``python writer.py ADDRESS TURNS`` answers each turn on its standard output as soon as
it is stored: ``stored 3``, or ``refused 3 StoreFull``. It is run under strace, which
lets a chosen call fail.
"""

import os
import sys

from app.audit.chain import Entry, append
from app.storage.database import Database
from app.storage.errors import StoreError


def write(database: Database, turn: int) -> str:
    """Write once; return what is answered."""
    record = Entry(
        actor="ana",
        role="approver",
        scope="*",
        action="bin.accept",
        object=f"turn/{turn}",
        reason="A reason long enough to need some room. " * 20,
    )
    try:
        with database.writing() as connection:
            append(connection, record)
    except StoreError as error:
        return f"refused {turn} {type(error).__name__}"
    return f"stored {turn}"


def main() -> None:
    """Write as often as was asked."""
    try:
        database = Database.open(sys.argv[1])
    except StoreError as error:
        os.write(1, f"not opened {type(error).__name__}: {error}\n".encode())
        return
    for turn in range(int(sys.argv[2])):
        os.write(1, f"{write(database, turn)}\n".encode())
    database.close()


if __name__ == "__main__":
    main()
