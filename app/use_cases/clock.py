"""The time, as it is stored: UTC, text of one width, so that it sorts as it passed."""

from datetime import UTC, date, datetime, time, timedelta


def now() -> str:
    """Return this moment, such as ``2026-11-22T07:00:00.123456Z``."""
    return text_of(datetime.now(UTC))


def text_of(moment: datetime) -> str:
    """Return a moment as it is stored."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def after(**spans: float) -> str:
    """Return a moment to come, from now by days, hours, minutes or seconds."""
    return text_of(datetime.now(UTC) + timedelta(**spans))


def before(**spans: float) -> str:
    """Return a moment that is over, so many days, hours or minutes ago."""
    return text_of(datetime.now(UTC) - timedelta(**spans))


def start_of(day: date) -> str:
    """Return when a day begins, by UTC."""
    return text_of(datetime.combine(day, time(), UTC))


def today() -> date:
    """Return this day, by UTC."""
    return datetime.now(UTC).date()


def week_of(moment: str) -> str:
    """Return the Monday of a stored moment: all that level 0 tells of a day."""
    day = date.fromisoformat(moment[:10])
    return (day - timedelta(days=day.weekday())).isoformat()
