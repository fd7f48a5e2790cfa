"""Figures as people read them: fixed places, thousands apart, a true minus sign."""

from datetime import date
from decimal import Decimal
from typing import Final

_MINUS: Final = "\N{MINUS SIGN}"


def decimal_text(value: float) -> str:
    """Return a figure of at most three places without needless zeros.

    >>> decimal_text(12.0), decimal_text(2.667)
    ('12', '2.667')
    """
    return _signed(f"{value:,.3f}".rstrip("0").rstrip("."))


def days(value: float) -> str:
    """Return staff-days with one place, or two below ten.

    >>> days(1234.56), days(3.25), days(0)
    ('1,234.6', '3.25', '0')
    """
    if value == 0:
        return "0"
    return _signed(f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}")


def signed_days(value: float) -> str:
    """Return :func:`days` with a sign when the figure is above 0."""
    return f"+{days(value)}" if value > 0 else days(value)


def whole(value: int) -> str:
    """Return a count with thousands apart."""
    return _signed(f"{value:,}")


def signed_whole(value: int) -> str:
    """Return :func:`whole` with a sign when the count is above 0."""
    return f"+{whole(value)}" if value > 0 else whole(value)


def percent(fraction: float) -> str:
    """Return a fraction in percent, finer when it is small.

    >>> percent(0.2412), percent(0.00012), percent(0)
    ('24%', '0.012%', '0%')
    """
    points = fraction * 100
    if points == 0 or abs(points) >= 10:
        return _signed(f"{points:.0f}%")
    if abs(points) >= 0.1:
        return _signed(f"{points:.1f}%")
    return _signed(f"{points:.2g}%") if abs(points) >= 1e-4 else "below 0.0001%"


def money(dollars: float | Decimal) -> str:
    """Return an amount in millions or billions of US dollars.

    >>> money(1_234_000_000), money(98_500_000), money(50_000)
    ('$1.23 billion', '$98.5 million', '$50,000')
    """
    amount = float(dollars)
    if amount >= 1e9:
        return f"${_short(amount / 1e9)} billion"
    if amount >= 1e6:
        return f"${_short(amount / 1e6)} million"
    return f"${amount:,.0f}"


def _short(value: float) -> str:
    places = 0 if value >= 1000 else 2 if value < 10 else 1
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def month(day: date) -> str:
    """Return a month as its English name and year, whatever the locale."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun, like ``1 review`` and ``2 reviews``."""
    return f"{whole(count)} {one if count == 1 else many or one + 's'}"


def _signed(text: str) -> str:
    return text.replace("-", _MINUS)
