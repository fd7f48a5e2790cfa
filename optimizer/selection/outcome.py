"""What a search found: apart from the search, so that reading it loads no solver."""

from dataclasses import dataclass

from optimizer.certificate import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Bins chosen for an instance, as request positions, with cost and bound.

    ``bound`` is proven: no partition costs less. Both in thousandths of a staff-day.
    ``certificate`` proves it again, where the search recorded how; ``columns`` are
    further bins that a later search may begin with, where it was told to keep them.
    """

    bins: tuple[tuple[int, ...], ...]
    cost: int
    bound: int
    certificate: Certificate | None = None
    columns: tuple[tuple[int, ...], ...] = ()
