"""Progress on standard error: one line that renews itself, or one now and then."""

import sys
import time
from typing import Final

from app.export.numbers import percent
from optimizer.propose import Progress

_ON_TERMINAL: Final = 0.2
_ELSEWHERE: Final = 2.0


class ProgressLine:
    """Shows elapsed time and the stage, or clusters done, incumbent, bound and gap.

    Parameters
    ----------
    wanted
        Whether it is shown where standard error is no terminal.
    """

    def __init__(self, *, wanted: bool) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = wanted or self._terminal
        self._begun = time.monotonic()
        self._drawn = float("-inf")
        self._last: Progress | None = None
        self._stage = ""

    def stage(self, text: str) -> None:
        """Say what is done before or after the search, when that is due."""
        self._stage = text
        self.draw()

    def update(self, progress: Progress) -> None:
        """Take note of progress, and draw it when the last drawing is old enough."""
        self._last = progress
        self._stage = ""
        self.draw()

    def draw(self) -> None:
        """Draw the last progress when the last drawing is old enough."""
        age = time.monotonic() - self._drawn
        if age >= (_ON_TERMINAL if self._terminal else _ELSEWHERE):
            self._write()

    def end(self) -> None:
        """Leave a clean line on a terminal, the last progress elsewhere."""
        if self._shown and self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        elif self._last is not None:
            self._stage = ""
            self._write()

    def _write(self) -> None:
        if not self._shown or (self._last is None and not self._stage):
            return
        self._drawn = time.monotonic()
        seconds = self._drawn - self._begun
        if self._stage or self._last is None:
            text = f"{seconds:.1f} s, {self._stage}"
        else:
            text = progress_text(self._last, seconds)
        sys.stderr.write(f"\r{text}\x1b[K" if self._terminal else f"{text}\n")
        sys.stderr.flush()


def progress_text(progress: Progress, seconds: float) -> str:
    """Return progress as one line."""
    cost, bound = progress.incumbent, progress.bound
    gap = (cost - bound) / cost if cost else 0.0
    return (
        f"{seconds:.1f} s, clusters {progress.clusters_done:,} of "
        f"{progress.clusters:,}, incumbent {cost / 1000:,.3f}, "
        f"bound {bound / 1000:,.3f}, gap {percent(gap)}"
    )
