"""What people read: standard output through rich, messages on standard error."""

import io
import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

_WIDE = 1_000_000


def show(found: Table) -> None:
    """Print a table: within the width of a terminal, whole and plain elsewhere."""
    if sys.stdout.isatty():
        Console(file=sys.stdout, highlight=False, markup=False, emoji=False).print(
            found
        )
        return
    plain = Console(
        file=io.StringIO(),
        highlight=False,
        markup=False,
        emoji=False,
        width=_WIDE,
        color_system=None,
        force_terminal=False,
    )
    with plain.capture() as captured:
        plain.print(found)
    for line in captured.get().splitlines():
        sys.stdout.write(f"{line.rstrip()}\n")


def table(columns: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table; each column is its heading and whether it holds numbers."""
    found = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading, numeric in columns:
        found.add_column(
            heading,
            justify="right" if numeric else "left",
            overflow="fold",  # never cut: a request id without its end is another
            no_wrap=numeric,
        )
    for row in rows:
        found.add_row(*row)
    return found


def say(text: str = "") -> None:
    """Print a line on standard output."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(f"{text}\n")
