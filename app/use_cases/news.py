"""Who waits for a proposal is told that it came to its end, and need not look."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class News:
    """Tells those who wait in this process; of other servers it hears nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Callable[[], None]]] = {}

    @contextmanager
    def heard(self, proposal_id: str, wake: Callable[[], None]) -> Iterator[None]:
        """Have ``wake`` called, in any thread, when a proposal comes to its end."""
        with self._lock:
            self._waiting.setdefault(proposal_id, []).append(wake)
        try:
            yield
        finally:
            with self._lock:
                left = self._waiting[proposal_id]
                left.remove(wake)
                if not left:
                    del self._waiting[proposal_id]

    def tell(self, proposal_id: str) -> None:
        """Tell that a proposal has come to its end, and that this is stored."""
        with self._lock:
            told = [*self._waiting.get(proposal_id, ())]
        for wake in told:
            wake()
