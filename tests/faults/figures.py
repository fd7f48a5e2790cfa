"""What a test measured, for the table that ``make faults`` prints."""

from typing import Protocol


class Tell(Protocol):
    """Takes the figure that a test reached for a promise."""

    def __call__(self, promise: str, figure: str) -> None:
        """Keep a figure."""
