"""Picture 2: when the combined reviews start and what each request waits for."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from markupsafe import Markup

from app.export.numbers import counted, month
from app.export.pictures import svg

MOST_LANES: Final = 12
MOST_MEMBERS: Final = 56
"""Reviews and requests beyond which the picture would not fit a printed page."""

_LEFT, _RIGHT = 11.0, 97.0  # percent of the width that the days span
_HEADER: Final = 88
_LANE_HEAD: Final = 22
_MEMBER: Final = 15
_LANE_GAP: Final = 12
_STRIP: Final = 40
_BUCKETS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One request in a lane. ``ready_on`` is the day it could start alone."""

    customer: str
    ready_on: date
    solo_forecast_on: date
    needed_by: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One combined review."""

    bin_id: str
    text: str
    starts_on: date
    forecast_on: date
    saved: float  # staff-days
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """Days to percent of the picture's width."""

    first: date
    last: date

    def at(self, day: date) -> float:
        span = max((self.last - self.first).days, 1)
        return _LEFT + (day - self.first).days / span * (_RIGHT - _LEFT)

    def x(self, day: date) -> str:
        return svg.percent(self.at(day))

    def width(self, start: date, end: date) -> str:
        return svg.percent(self.at(end) - self.at(start))


def choose_lanes(lanes: list[Lane]) -> list[Lane]:
    """Return the reviews that save most and fit the picture, in their own order."""
    chosen: set[str] = set()
    members = 0
    for lane in sorted(lanes, key=lambda lane: (-lane.saved, lane.bin_id)):
        members += len(lane.members)
        if len(chosen) == MOST_LANES or (chosen and members > MOST_MEMBERS):
            break
        chosen.add(lane.bin_id)
    return [lane for lane in lanes if lane.bin_id in chosen]


def draw(lanes: list[Lane], *, total: int, alone: list[date], as_of: date) -> Markup:
    """Draw the chosen lanes, and a strip of the days on which single reviews start.

    Parameters
    ----------
    lanes
        The reviews to draw.
    total
        Combined reviews in the proposal.
    alone
        The first day of every review of one request.
    as_of
        The day the proposal was made.
    """
    scale = _scale(lanes, alone, as_of)
    body = [svg.tag("defs", svg.hatch("timeline-hatch"), *_marks()), *_legend()]
    lane_heights = [_lane_height(lane) for lane in lanes]
    bottom = _HEADER + sum(lane_heights)
    end = bottom + (_STRIP + 30 if alone else 0)
    body += _axis(scale, end, as_of)
    top = _HEADER
    for lane, height in zip(lanes, lane_heights, strict=True):
        body += _lane(lane, scale, top)
        top += height
    if alone:
        body += _strip(alone, scale, bottom + 8)
    return svg.picture(
        "timeline-picture",
        title="When reviews start and how long each request waits",
        description=(
            f"{len(lanes)} of {counted(total, 'combined review')} as lanes from "
            f"{scale.first.isoformat()} to {scale.last.isoformat()}. In each lane one "
            "line a request: hatched from the day it could start alone to the start of "
            "the combined review, then the review until its forecast decision. "
            f"{counted(len(alone), 'request')} reviewed alone, as a strip at the foot. "
            "The table below holds every date."
        ),
        height=end + 8,
        body=body,
    )


def _lane_height(lane: Lane) -> int:
    return _LANE_HEAD + len(lane.members) * _MEMBER + _LANE_GAP


def _scale(lanes: list[Lane], alone: list[date], as_of: date) -> _Scale:
    starts = [member.ready_on for lane in lanes for member in lane.members]
    ends = [lane.forecast_on for lane in lanes]
    ends += [member.solo_forecast_on for lane in lanes for member in lane.members]
    days = [as_of, *starts, *ends, *alone]
    return _Scale(first=min(days), last=max(max(days), min(days) + timedelta(days=30)))


def _marks() -> list[Markup]:
    diamond = "M0-5L5 0L0 5L-5 0Z"
    return [
        svg.tag("path", d=diamond, id="needed-met", class_="needed-met"),
        svg.tag("path", d=diamond, id="needed-missed", class_="needed-missed"),
        svg.tag("path", d="M-4-5L4 0L-4 5Z", id="needed-later", class_="needed-met"),
        svg.tag("circle", r=4, id="solo", class_="solo"),
    ]


def _legend() -> list[Markup]:
    def words(text: str, column: int, row: int) -> Markup:
        x = ("0", "50%")[column]
        return svg.tag("text", text, x=x, dx=32, y=13 + row * 18, class_="small")

    def mark(name: str, column: int, row: int) -> Markup:
        x = ("0", "50%")[column]
        move = f"translate(14 {9 + row * 18})"
        return svg.tag("use", href=f"#{name}", x=x, transform=move)

    return [
        svg.tag("rect", x="0", y=4, width=26, height=10, class_="wait"),
        words("waits for the others", 0, 0),
        svg.tag("rect", x="50%", y=4, width=26, height=10, class_="review"),
        words("combined review", 1, 0),
        mark("solo", 0, 1),
        words("forecast if alone", 0, 1),
        svg.tag(
            "rect",
            x="50%",
            y=20,
            width=4,
            height=14,
            transform="translate(12 0)",
            class_="decision",
        ),
        words("forecast decision", 1, 1),
        mark("needed-met", 0, 2),
        words("needed by, met", 0, 2),
        mark("needed-missed", 1, 2),
        words("needed by, missed", 1, 2),
    ]


def _axis(scale: _Scale, bottom: float, as_of: date) -> list[Markup]:
    months = _months(scale)
    step = next((s for s in (1, 2, 3, 6, 12, 24, 60) if len(months) / s <= 5), 120)
    parts = []
    for place, day in enumerate(months):
        labelled = place % step == 0
        if len(months) > 40 and not labelled:
            continue
        x = scale.x(day)
        kind = "grid" if labelled else "grid faint"
        parts.append(
            svg.tag("line", x1=x, x2=x, y1=_HEADER - 8, y2=bottom, class_=kind)
        )
        if labelled and scale.at(day) < 92:
            parts.append(
                svg.tag("text", month(day), x=x, dx=3, y=_HEADER - 12, class_="axis")
            )
    x = scale.x(as_of)
    parts.append(svg.tag("line", x1=x, x2=x, y1=_HEADER - 8, y2=bottom, class_="today"))
    return parts


def _months(scale: _Scale) -> list[date]:
    """Return the first days of months within the scale."""
    day = scale.first.replace(day=1)
    months = []
    while day <= scale.last:
        if day >= scale.first:
            months.append(day)
        day = (day + timedelta(days=32)).replace(day=1)
    return months


def _lane(lane: Lane, scale: _Scale, top: float) -> list[Markup]:
    rows_top = top + _LANE_HEAD
    height = len(lane.members) * _MEMBER
    start, forecast = scale.x(lane.starts_on), scale.x(lane.forecast_on)
    parts = [
        svg.tag("line", x1="0", x2="100%", y1=top, y2=top, class_="rule"),
        svg.tag(
            "text",
            lane.bin_id,
            svg.tag("tspan", f"  {lane.text}", class_="muted"),
            x="0",
            y=top + 15,
            class_="label on-paper",
        ),
        svg.tag(
            "rect",
            x=start,
            y=rows_top,
            width=scale.width(lane.starts_on, lane.forecast_on),
            height=height,
            class_="review",
        ),
    ]
    for place, member in enumerate(lane.members):
        parts += _member(member, lane, scale, rows_top + place * _MEMBER)
    parts += [
        svg.tag(
            "line", x1=start, x2=start, y1=rows_top, y2=rows_top + height, class_="go"
        ),
        svg.tag(
            "rect",
            x=forecast,
            y=rows_top,
            width=4,
            height=height,
            class_="decision",
        ),
    ]
    return parts


def _member(member: Member, lane: Lane, scale: _Scale, top: float) -> list[Markup]:
    middle = top + _MEMBER / 2
    parts = [svg.tag("text", member.customer, x="0", y=middle + 4, class_="code")]
    if member.ready_on < lane.starts_on:
        parts.append(
            svg.tag(
                "rect",
                x=scale.x(member.ready_on),
                y=middle - 4,
                width=scale.width(member.ready_on, lane.starts_on),
                height=8,
                class_="wait",
            )
        )
    solo = scale.x(member.solo_forecast_on)
    parts.append(svg.tag("use", href="#solo", x=solo, y=middle))
    if member.needed_by is not None:
        parts.append(_needed(member.needed_by, lane, scale, middle))
    return parts


def _needed(day: date, lane: Lane, scale: _Scale, middle: float) -> Markup:
    if day > scale.last:
        return svg.tag("use", href="#needed-later", x="99%", y=middle)
    met = "needed-met" if day >= lane.forecast_on else "needed-missed"
    return svg.tag("use", href=f"#{met}", x=scale.x(max(day, scale.first)), y=middle)


def _strip(alone: list[date], scale: _Scale, top: float) -> list[Markup]:
    """Draw how many single reviews start when, as bars from a common foot."""
    share = (_RIGHT - _LEFT) / _BUCKETS
    counts = [0] * _BUCKETS
    for day in alone:
        bucket = int((scale.at(day) - _LEFT) / share)
        counts[min(bucket, _BUCKETS - 1)] += 1
    most = max(counts)
    foot = top + _LANE_HEAD + _STRIP
    parts = [
        svg.tag("line", x1="0", x2="100%", y1=top - 8, y2=top - 8, class_="rule"),
        svg.tag(
            "text",
            "Alone",
            svg.tag(
                "tspan",
                f"  {counted(len(alone), 'request')}, by starting day "
                f"(tallest bar: {most})",
                class_="muted",
            ),
            x="0",
            y=top + 10,
            class_="label on-paper",
        ),
    ]
    parts += [
        svg.tag(
            "rect",
            x=svg.percent(_LEFT + place * share),
            y=foot - count / most * _STRIP,
            width=svg.percent(share * 0.8),
            height=count / most * _STRIP,
            class_="alone",
        )
        for place, count in enumerate(counts)
        if count
    ]
    parts.append(
        svg.tag(
            "line",
            x1=svg.percent(_LEFT),
            x2=svg.percent(_RIGHT),
            y1=foot,
            y2=foot,
            class_="axis-line",
        )
    )
    return parts
