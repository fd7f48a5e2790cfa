"""One table of a policy: its values by key, typed and within bounds.

Every fault is gathered, none is raised: a reader returns a harmless stand-in where a
value is faulty, so that reading goes on.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from app.catalogue import nearest
from app.errors import Fault, FaultCode, quoted, safe_text

_MISSING: Final = object()


class Table:
    """One table of a policy, with its place in the file and a shared list of faults."""

    def __init__(
        self,
        values: Mapping[str, Any],
        label: str,
        path: str = "",
        faults: list[Fault] | None = None,
        *,
        absent: bool = False,
    ) -> None:
        self.values = values
        self.label = label
        self.path = path
        self.absent = absent  # already noted as missing: its keys need no fault each
        self.faults: list[Fault] = [] if faults is None else faults

    def fault(self, key: str, code: FaultCode, message: str, value: Any = None) -> None:
        """Note a fault of a key; the message names the key by its whole path."""
        self.faults.append(
            Fault(
                file=self.label,
                column=self.name(key) or None,
                code=code,
                message=message,
                value=None if value is None else str(shown(value)),
            )
        )

    def name(self, key: str) -> str:
        """Return the whole path of a key, as in ``pairing.window_days``."""
        path = f"{self.path}.{key}" if self.path and key else self.path or key
        return safe_text(path, 120)

    def only(self, known: Iterable[str]) -> None:
        """Refuse every key that is not one of the known."""
        known = tuple(known)
        for key in self.values:
            if key not in known:
                near = nearest(key, known)[0]
                message = f"{self.name(key)} is not a key here; nearest: {near}."
                self.fault(key, FaultCode.UNKNOWN_KEY, message)

    def take(self, key: str, default: Any = _MISSING) -> Any:
        """Return a value; a missing one without default is a fault, and None."""
        if key in self.values:
            return self.values[key]
        if default is _MISSING and not self.absent:
            self.fault(key, FaultCode.MISSING_KEY, f"{self.name(key)} is missing.")
        return None if default is _MISSING else default

    def table(self, key: str, *, required: bool = True) -> "Table":
        """Return a table within this one; an empty one where it is faulty."""
        value = self.take(key) if required else self.take(key, {})
        if value is not None and not isinstance(value, dict):
            message = f"{self.name(key)} must be a table, not {shown(value)}."
            self.fault(key, FaultCode.TYPE, message, value)
        inner = value if isinstance(value, dict) else {}
        return Table(
            inner,
            self.label,
            self.name(key),
            self.faults,
            absent=self.absent or (required and key not in self.values),
        )

    def tables(self, key: str) -> list["Table"]:
        """Return the tables of a list of tables."""
        value = self.take(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            message = f"{self.name(key)} must be a list of tables."
            self.fault(key, FaultCode.TYPE, message, value)
            return []
        return [
            Table(inner, self.label, f"{self.name(key)}[{number}]", self.faults)
            for number, inner in enumerate(value, start=1)
        ]

    def text(self, key: str, default: Any = _MISSING) -> str:
        """Return a text in which something is visible and nothing is hidden."""
        value = self.take(key, default)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            message = (
                f"{self.name(key)} must be a text of visible characters, "
                f"not {shown(value)}."
            )
            self.fault(key, FaultCode.TYPE, message, value)
            return ""
        return value.strip()

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            message = f"{self.name(key)} must be true or false, not {shown(value)}."
            self.fault(key, FaultCode.TYPE, message, value)
            return default
        return value

    def whole(
        self, key: str, default: Any = _MISSING, *, low: int = 0, high: int
    ) -> int:
        """Return a whole number from low to high."""
        value = self.take(key, default)
        if value is None:
            return low
        if type(value) is not int or not low <= value <= high:
            message = (
                f"{self.name(key)} must be a whole number from {low} to {high:,}, "
                f"not {shown(value)}."
            )
            self.fault(key, FaultCode.WHOLE_NUMBER, message, value)
            return low
        return value

    def scaled(
        self,
        key: str,
        default: Any = _MISSING,
        *,
        places: int,
        high: int,
        above_zero: bool = False,
    ) -> int:
        """Return a decimal number from 0 to high, exactly, times 10 to the places."""
        value = self.take(key, default)
        if value is None:
            return 1
        found = scaled(value, places, high)
        if found is None or (above_zero and found == 0):
            message = (
                f"{self.name(key)} must be a number "
                f"{'above 0 and at most' if above_zero else 'from 0 to'} {high:,} "
                f"with at most {places} decimals, not {shown(value)}."
            )
            self.fault(key, FaultCode.RATE, message, value)
            return 1
        return found

    def choice(self, key: str, allowed: Iterable[str]) -> str:
        """Return one of the allowed words; the first where it is faulty."""
        allowed = tuple(str(word) for word in allowed)
        value = self.take(key)
        if value is None:
            return allowed[0]
        if not isinstance(value, str) or value not in allowed:
            near = (
                f"; nearest: {nearest(value, allowed)[0]}"
                if isinstance(value, str)
                else ""
            )
            message = (
                f"{self.name(key)} must be one of {', '.join(allowed)}, "
                f"not {shown(value)}{near}."
            )
            self.fault(key, FaultCode.CHOICE, message, value)
            return allowed[0]
        return value

    def words(self, key: str) -> list[str]:
        """Return a list of texts; empty where it is absent."""
        value = self.take(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            message = f"{self.name(key)} must be a list of texts."
            self.fault(key, FaultCode.TYPE, message, value)
            return []
        return value


def scaled(value: Any, places: int, high: int) -> int | None:
    """Return value times 10 to the places if whole and within 0 to high, else None."""
    if type(value) is int:
        return value * 10**places if 0 <= value <= high else None
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    if not 0 <= value <= high:
        return None
    if value == 0:
        return 0
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    whole = text.rstrip("0")
    shift = int(exponent) + len(text) - len(whole) + places
    return int(whole) * 10**shift if shift >= 0 and not sign else None


def shown(value: Any) -> str:
    """Return a value as the file writes it, short and safe."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int) and abs(value) >= 10**64:
        return "a number of more than 64 digits"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return safe_text(value)
