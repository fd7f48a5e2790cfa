"""What one cell says: text of a cell to a value, or why not (rules T, N, C, D).

Every parser takes the text of a cell that is not blank and returns its value, or a
`Wrong` that names what is allowed.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

from app.catalogue import (
    CustomerCodes,
    NameUnknown,
    fold,
    nearest,
    planning_regions,
    resolve_customer,
    resolve_system,
)
from app.errors import FaultCode, quoted
from app.intake.limits import CELL_CHARACTERS
from optimizer.batch import Agency, Document, Priority
from optimizer.catalogue import Customer, System


class Wrong(NamedTuple):
    """Why a cell is refused; the message follows the name of its column."""

    code: FaultCode
    message: str


class Memo[Value](dict[str, Value]):
    """Remembers what a text was read as; files repeat the same few texts."""

    _ROOM: Final = 65_536

    def __init__(self, parse: Callable[[str], Value]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, text: str) -> Value:
        value = self._parse(text)
        if len(self) >= self._ROOM:
            self.clear()
        self[text] = value
        return value


FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2100, 12, 31)

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_IN_FREE_TEXT: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]"
)
_REQUEST_ID: Final = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,63}")
_WHOLE: Final = re.compile(r"[0-9]+")
_AMOUNT: Final = re.compile(r"([0-9]+)(?:\.([0-9]{1,2}))?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_SPACES: Final = frozenset({"Zs", "Zl", "Zp", "Cc"})
# Default-ignorable characters that are not of category Cf: they take no room or
# look like a space. (Unicode 16, DerivedCoreProperties; U+2800 is a blank pattern.)
_BLANKS: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f"
    "\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)

_YES: Final = frozenset({"true", "yes", "y", "t", "1"})
_NO: Final = frozenset({"false", "no", "n", "f", "0"})
_AGENCIES: Final = {
    **{agency.value: agency for agency in Agency},
    "b": Agency.ARMY,
    "p": Agency.NAVY,
    "d": Agency.AIR_FORCE,
}


def is_invisible(char: str) -> bool:
    """Tell whether nothing is seen of a character: spaces and zero-width ones."""
    category = unicodedata.category(char)
    return category in _SPACES or category == "Cf" or bool(_BLANKS.match(char))


def shows_nothing(text: str) -> bool:
    """Tell whether nothing visible is left in a text (rule T5)."""
    if text[:1].isascii() and text[:1].isalnum():
        return False
    return not text.strip() or all(is_invisible(char) for char in text)


def wrong_text(text: str, *, free: bool = False) -> Wrong | None:
    """Return what is wrong with any text: its length, control characters (T2, L1)."""
    if len(text) > CELL_CHARACTERS:
        return Wrong(
            FaultCode.CELL_LIMIT,
            f"has {len(text):,} characters; the limit is {CELL_CHARACTERS:,} a cell",
        )
    found = (_CONTROL_IN_FREE_TEXT if free else _CONTROL).search(text)
    if found is None:
        return None
    point = ord(found[0])
    what = {0: "NUL", 9: "a tab", 10: "a line break", 13: "a line break"}.get(point)
    if what is None:
        lone = 0xD800 <= point <= 0xDFFF
        kind = "a lone surrogate" if lone else "a control character"
        what = f"{kind} (U+{point:04X})"
    where = "which is not allowed" if free else "which is allowed in remarks only"
    if point not in (9, 10, 13):
        where = "which is not allowed"
    return Wrong(FaultCode.CHARACTER, f"holds {what}, {where}")


def parse_request_id(text: str) -> str | Wrong:
    """Read a request_id (T4)."""
    if _REQUEST_ID.fullmatch(text):
        return text
    return wrong_text(text) or Wrong(
        FaultCode.IDENTIFIER,
        f"is {quoted(text)}; allowed are 1 to 64 of the letters A to Z, digits and "
        ". _ / -, a letter or digit first",
    )


def parse_label(text: str) -> str | Wrong:
    """Read a configuration or force: trimmed, NFC, nothing hidden in it (T4)."""
    wrong = wrong_text(text)
    if wrong is not None:
        return wrong
    label = unicodedata.normalize("NFC", text.strip(" "))
    for char in label:
        if char != " " and is_invisible(char):
            return Wrong(
                FaultCode.INVISIBLE,
                f"holds an invisible or direction-changing character "
                f"(U+{ord(char):04X}), which is not allowed",
            )
    return label


def parse_count(text: str) -> int | Wrong:
    """Read a whole number from 1 to 1,000,000 (N1)."""
    wrong = wrong_text(text)
    if wrong is not None:
        return wrong
    if _WHOLE.fullmatch(text) and 1 <= (count := int(text)) <= 1_000_000:
        return count
    return Wrong(
        FaultCode.WHOLE_NUMBER,
        f"is {quoted(text)}; allowed is a whole number from 1 to 1,000,000, "
        "in digits alone",
    )


def parse_cents(text: str, *, zero: bool = False) -> int | Wrong:
    """Read an amount of dollars in cents, exactly (N2, N3)."""
    match = _AMOUNT.fullmatch(text)
    if match and len(text) <= 64:
        cents = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
        if (cents > 0 or zero) and cents < 10**14:
            return cents
    lowest = "0 or above" if zero else "above 0"
    return wrong_text(text) or Wrong(
        FaultCode.AMOUNT,
        f"is {quoted(text)}; allowed is a decimal number {lowest} and below "
        "1000000000000 with at most two places, digits and a dot alone",
    )


def parse_mde_cents(text: str) -> int | Wrong:
    """Read an amount that may be zero."""
    return parse_cents(text, zero=True)


def parse_date(text: str) -> date | Wrong:
    """Read a day written YYYY-MM-DD (D1)."""
    wrong = wrong_text(text)
    if wrong is not None:
        return wrong
    if _DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return Wrong(FaultCode.DATE, f"is {quoted(text)}, which is no real day")
        if FIRST_DAY <= day <= LAST_DAY:
            return day
    return Wrong(
        FaultCode.DATE,
        f"is {quoted(text)}; allowed is YYYY-MM-DD, "
        f"a day from {FIRST_DAY} to {LAST_DAY}",
    )


def parse_priority(text: str) -> Priority | Wrong:
    """Read a priority (C1)."""
    try:
        return Priority(text.strip().lower())
    except ValueError:
        return _wrong_choice(text, tuple(Priority))


def parse_document(text: str) -> Document | Wrong:
    """Read a document type (C1)."""
    try:
        return Document(text.strip().upper())
    except ValueError:
        return _wrong_choice(text, tuple(Document))


def parse_agency(text: str) -> Agency | Wrong:
    """Read an implementing agency, by name or by letter (C1)."""
    agency = _AGENCIES.get(text.strip().lower())
    if agency is None:
        return _wrong_choice(text, (*Agency, "B", "P", "D"))
    return agency


def parse_yes_no(text: str) -> bool | Wrong:
    """Read a yes or a no (C1)."""
    word = text.strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    words = ("true", "yes", "y", "t", "1", "false", "no", "n", "f", "0")
    return _wrong_choice(text, words)


def parse_region(text: str) -> str | Wrong:
    """Read a planning region (C1)."""
    wrong = wrong_text(text)
    if wrong is not None:
        return wrong
    word = fold(text)
    for region in planning_regions():
        if fold(region) == word:
            return region
    near = ", ".join(nearest(text, planning_regions()))
    return Wrong(
        FaultCode.CHOICE,
        f"is {quoted(text)}, which is not a planning region; nearest: {near}; allowed "
        "are those of the country table",
    )


def parse_customer(text: str, codes: CustomerCodes | None) -> Customer | Wrong:
    """Read a customer (K1)."""
    found = resolve_customer(text, codes)
    if isinstance(found, NameUnknown):
        return wrong_text(text) or _unknown(FaultCode.CUSTOMER, found)
    return found


def parse_system(text: str) -> System | Wrong:
    """Read a system (K4)."""
    found = resolve_system(text)
    if isinstance(found, NameUnknown):
        return wrong_text(text) or _unknown(FaultCode.SYSTEM, found)
    return found


def parse_customers(text: str, codes: CustomerCodes | None) -> tuple[str, ...] | Wrong:
    """Read customers separated by semicolons; sorted codes (K3)."""
    wrong = wrong_text(text)
    if wrong is not None:
        return wrong
    found = []
    refused = []
    for part in text.split(";"):
        if not part.strip(" "):
            continue
        customer = resolve_customer(part, codes)
        if isinstance(customer, NameUnknown):
            refused.append(customer.sentence.removesuffix("."))
        else:
            found.append(customer.code)
    if refused:
        return Wrong(FaultCode.CUSTOMER, f"is refused: {'; '.join(refused[:5])}")
    return tuple(sorted(set(found)))


def _wrong_choice(text: str, allowed: tuple[str, ...]) -> Wrong:
    return wrong_text(text) or Wrong(
        FaultCode.CHOICE, f"is {quoted(text)}; allowed are {', '.join(allowed)}"
    )


def _unknown(code: FaultCode, found: NameUnknown) -> Wrong:
    return Wrong(code, f"is refused: {found.sentence.removesuffix('.')}")
