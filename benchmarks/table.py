"""Tables in Markdown, and figures as they are written in them."""

from collections.abc import Iterable, Sequence

OPTIMAL_GAP = 1e-6


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def percent(fraction: float) -> str:
    """Return a fraction in percent, with the digits that say something."""
    if abs(fraction) < 5e-7:
        return "0"
    digits = 1 if abs(fraction) >= 0.1 else 2 if abs(fraction) >= 0.001 else 4
    return f"{fraction:.{digits}%}"


def gap(fraction: float) -> str:
    """Return a proven gap; what counts as none is called optimal."""
    return "0 (optimal)" if fraction <= OPTIMAL_GAP else percent(fraction)


def seconds(value: float) -> str:
    """Return seconds, to a tenth while that matters."""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
