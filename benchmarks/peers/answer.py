"""What a method answers, and how long it may take."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A method's bins of positions, None without a plan, and what it says of them.

    ``bound`` is what the method claims no plan costs less than, in thousandths of a
    staff-day; None where it proves nothing.
    """

    bins: list[list[int]] | None
    bound: float | None = None
    note: str = ""


class Clock:
    """Seconds left of a limit that began with the process."""

    def __init__(self, limit: float, begun: float) -> None:
        self.limit = limit
        self.begun = begun

    def left(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self.limit - (time.monotonic() - self.begun))


NO_TIME = Answer(bins=None, note="the limit was over when the model was built")
