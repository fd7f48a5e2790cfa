"""What `allybin propose --progress` streams, read back: time, incumbent, bound."""

import re
from dataclasses import dataclass

_ANY = re.compile(r"[\d.,]+ s, ")
_LINE = re.compile(
    r"(?P<seconds>[\d.,]+) s, clusters (?P<done>[\d,]+) of (?P<clusters>[\d,]+), "
    r"incumbent (?P<incumbent>[\d.,]+), bound (?P<bound>[\d.,]+),"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What was known at one moment of a solve; costs in staff-days."""

    seconds: float
    incumbent: float
    bound: float

    @property
    def gap(self) -> float:
        """(incumbent - bound) / incumbent."""
        short = self.incumbent - self.bound
        return short / self.incumbent if self.incumbent else 0.0


def read_point(line: str) -> Point | None:
    """Read one line of standard error; None when it is not of progress."""
    found = _LINE.match(line.strip())
    if found is None:
        return None
    number = {
        key: float(found[key].replace(",", ""))
        for key in ("seconds", "incumbent", "bound")
    }
    return Point(**number)


def is_progress(line: str) -> bool:
    """Tell whether a line is of progress, be it only on what is read or written."""
    return _ANY.match(line.strip()) is not None
