"""What is known of a part before it is solved: where a search may begin."""

from dataclasses import dataclass

from optimizer.certificate import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What an earlier solve left of a part that has changed since.

    All of it is a hint. A search that is told wrong ones takes longer and still ends
    with an optimum it has proven itself.

    Parameters
    ----------
    bins
        The earlier plan, as request positions; a request may be in none.
    columns
        Further bins that an optimum may well hold.
    certificate
        How the earlier bound was proven; its requests may be others than the part's.
    """

    bins: tuple[tuple[int, ...], ...] = ()
    columns: tuple[tuple[int, ...], ...] = ()
    certificate: Certificate | None = None
