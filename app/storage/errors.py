"""What can go wrong with the store, as a small tree.

::

    StoreError
    ├── StoreUnavailable    not to be reached, or busy for too long       503
    │   └── StoreCollided   another transaction stored the same first     503
    ├── StoreFull           no space is left                              507
    ├── StoreCorrupt        a page or the file is damaged                 500
    ├── StoreStopped        a write failed on the disk: writes are over   503
    ├── StoreRefused        set up in a way that may lose something       never served
    └── SchemaTooNew        a newer program has changed the schema        503

Each says in ``committed`` whether what was under way is stored: ``False`` means surely
not, so that it may be tried again at once; ``None`` that nobody knows, so that the one
who asked has to ask again by the idempotency key.
"""

from typing import ClassVar

from app.errors import AllybinError


class StoreError(AllybinError):
    """The store cannot do what was asked; nothing half-done is left."""

    status: ClassVar[int] = 503
    retry_after_s: ClassVar[int | None] = None

    def __init__(self, sentence: str, *, committed: bool | None = False) -> None:
        super().__init__(sentence)
        self.committed = committed


class StoreUnavailable(StoreError):
    """The store cannot be reached, or others kept it busy; try again in a moment."""

    retry_after_s = 1


class StoreCollided(StoreUnavailable):
    """Another transaction was first with what this one stores: look again, at once."""


class StoreFull(StoreError):
    """No space is left where the store is; reads go on, writes again with space."""

    status = 507
    retry_after_s = 60


class StoreCorrupt(StoreError):
    """The file is damaged; restore a backup. Nothing read from it can be trusted."""

    status = 500


class StoreStopped(StoreError):
    """A write failed on the disk; no more are tried until the program starts anew."""


class StoreRefused(StoreError):
    """The store is set up in a way that may lose what was stored, or not usable."""

    status = 500


class SchemaTooNew(StoreError):
    """A newer program has changed the schema; this one may only read."""
