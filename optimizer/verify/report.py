"""What a verification says: findings, and the comparisons that make them."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing in a document that does not hold.

    ``where`` is the place in the document (``bins[2].effort_days``), ``code`` the
    kind of fault, ``text`` a sentence with the stated and the recomputed value.
    """

    where: str
    code: str
    text: str


class _Nothing:
    """Stands for a key that is not there, so that null stays a value."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final = _Nothing()
SHARE_TOLERANCE: Final = 1e-6
GAP_TOLERANCE: Final = 1e-9
FIFTEEN_DIGITS: Final = 10**15


def at(stated: object, key: str) -> object:
    """Return what a document says under a key, or ``NOTHING``."""
    if isinstance(stated, dict):  # asked a million times: what is nearly always true
        return stated.get(key, NOTHING)
    return stated.get(key, NOTHING) if isinstance(stated, Mapping) else NOTHING


def sequence(stated: object) -> Sequence[object]:
    """Return a stated list, or an empty one where something else stands."""
    if isinstance(stated, list):
        return stated
    if isinstance(stated, Sequence) and not isinstance(stated, str | bytes):
        return stated
    return ()


def texts(stated: object) -> tuple[str, ...]:
    """Return a stated list of texts; what is no text stands as its representation."""
    return tuple(
        item if isinstance(item, str) else repr(item) for item in sequence(stated)
    )


def number(stated: object) -> Decimal | None:
    """Return a stated JSON number by its shortest decimal form, or None."""
    if isinstance(stated, float):
        return Decimal(repr(stated)) if math.isfinite(stated) else None
    if isinstance(stated, int) and not isinstance(stated, bool):
        return Decimal(stated)
    return None


def _is_figure(stated: object, parts: int, parts_of_one: int) -> bool:
    """Tell at once that a number is so many parts, as nearly all are.

    A float is the nearest to one decimal number of at most 15 digits only, and to that
    it is equal when its division is: up to there no decimal arithmetic is needed.
    """
    if type(stated) is int:
        return stated * parts_of_one == parts
    if type(stated) is float and abs(parts) < FIFTEEN_DIGITS:
        return stated == parts / parts_of_one
    return False


class Report:
    """The findings of one verification, in the order they were made."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, where: str, code: str, text: str) -> None:
        """Note that something does not hold."""
        self.findings.append(Finding(where=where, code=code, text=text))

    def _differs(self, where: str, code: str, stated: object, expected: object) -> None:
        self.add(
            where,
            code,
            f"{where} is stated as {stated!r}; "
            f"recomputed from the requests it is {expected!r}.",
        )

    def same(
        self, where: str, stated: object, expected: object, code: str = "figure"
    ) -> None:
        """Require a text, flag, whole number or null to be exactly as expected."""
        if type(stated) is not type(expected) or stated != expected:
            self._differs(where, code, stated, expected)

    def days(self, where: str, stated: object, thousandths: int) -> None:
        """Require staff-days, stated as a number, to equal exact thousandths."""
        if _is_figure(stated, thousandths, 1000):
            return
        found = number(stated)
        if found is None or found * 1000 != thousandths:
            self._differs(where, "figure", stated, thousandths / 1000)

    def dollars(self, where: str, stated: object, cents: int) -> None:
        """Require an amount in US dollars to equal exact cents."""
        if _is_figure(stated, cents, 100):
            return
        found = number(stated)
        if found is None or (found * 100 != cents and stated != cents / 100):
            self._differs(where, "figure", stated, cents / 100)

    def near(
        self, where: str, stated: object, expected: float, tolerance: float
    ) -> None:
        """Require a number within a tolerance."""
        if type(stated) is float and abs(stated - expected) <= tolerance:
            return
        found = number(stated)
        if found is None or abs(float(found) - expected) > tolerance:
            self._differs(where, "figure", stated, expected)

    def day(self, where: str, stated: object, expected: date) -> None:
        """Require an ISO date."""
        self.same(where, stated, expected.isoformat())

    def names(
        self,
        where: str,
        stated: object,
        expected: Collection[str],
        code: str = "figure",
    ) -> None:
        """Require a list of exactly these texts, each once, in any order."""
        wanted = sorted(expected)
        is_list = isinstance(stated, list | tuple)
        if not is_list or sorted(texts(stated)) != wanted:
            self._differs(where, code, stated, wanted)

    def each[Value](
        self,
        where: str,
        stated: object,
        expected: Mapping[str, Value],
        compare: Callable[[str, object, Value], None],
    ) -> None:
        """Require an object of exactly the expected keys, and compare each value."""
        if not isinstance(stated, dict | Mapping):
            self._differs(where, "shape", stated, dict(expected))
            return
        for key in stated:
            if key not in expected:
                self.add(
                    f"{where}.{key}",
                    "shape",
                    f"{where} has an entry for {key!r}, which has no place in it.",
                )
        for key, value in expected.items():
            compare(f"{where}.{key}", at(stated, key), value)
