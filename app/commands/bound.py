"""Checking the proof of a proposal's lower bound, with progress on a terminal."""

import sys
import time
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from app.errors import Stopped
from optimizer.problem import Problem

KEY: Final = "certificate"
NOT_INCLUDED: Final = (
    "The proof of the lower bound is not included: the bound was checked against plans "
    "only."
)

_AGAIN: Final = 0.2


class BoundCheck:
    """Checks the certificate of a document, where it has one."""

    def __init__(self, document: Mapping[str, Any], problem: Problem) -> None:
        self._document = document
        self._problem = problem
        self._drawn = float("-inf")
        self.summary = NOT_INCLUDED

    def __call__(self, stated: Decimal) -> Iterable[str]:
        """Return what is wrong with the proof of a bound stated in staff-days."""
        if KEY not in self._document:
            return ()
        from optimizer.certify.checking import check

        try:
            checked = check(self._problem, self._document[KEY], progress=self._progress)
        except Stopped:
            raise Stopped(
                "Stopped before the proof of the lower bound was checked: nothing is "
                "said of the proposal."
            ) from None
        finally:
            self._clear()
        self.summary = (
            f"The lower bound is proven: {checked.parts:,} independent parts, "
            f"{checked.proofs:,} proofs priced again in integers, "
            f"{checked.by_every_bin:,} of them held against every bin."
        )
        return checked.against(stated)

    def _progress(self, done: int, of: int) -> None:
        age = time.monotonic() - self._drawn
        if sys.stderr.isatty() and age >= _AGAIN:
            self._drawn = time.monotonic()
            sys.stderr.write(f"\r{done:,} of {of:,} proofs of the bound checked\x1b[K")
            sys.stderr.flush()

    def _clear(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
