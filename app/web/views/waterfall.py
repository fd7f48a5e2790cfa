"""Small pictures drawn here, so that they are there without script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from app.export.numbers import days as days_text
from app.export.numbers import signed_days, signed_whole
from app.export.pictures import svg

_ROW: Final = 34
_BAR: Final = 20
_LEFT: Final = 30.0  # percent, for the names
_WIDE: Final = 52.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall: a whole bar, or what is added or taken away."""

    name: str
    value: float
    whole: bool = False


def draw(steps: Sequence[Step]) -> Markup:
    """Draw how a cost comes about, step by step."""
    spans, level = [], 0.0
    for step in steps:
        begin = 0.0 if step.whole else level
        level = step.value if step.whole else level + step.value
        spans.append((min(begin, level), max(begin, level)))
    largest = max((high for _, high in spans), default=0.0) or 1.0
    body: list[Markup] = [svg.tag("defs", svg.hatch("fall-hatch"))]
    for place, (step, (low, high)) in enumerate(zip(steps, spans, strict=True)):
        top = place * _ROW + 4
        kind = "total" if step.whole else "less" if step.value < 0 else "more"
        left = _LEFT + low / largest * _WIDE
        width = (high - low) / largest * _WIDE
        figure = days_text(step.value) if step.whole else signed_days(step.value)
        body += [
            svg.tag("text", step.name, x="0", y=top + 14, class_="label"),
            svg.tag(
                "rect",
                x=svg.percent(left),
                y=top,
                width=svg.percent(max(width, 0.2)),
                height=_BAR,
                class_=f"fall-{kind}",
            ),
            svg.tag(
                "text",
                figure,
                x=svg.percent(left + width),
                dx=6,
                y=top + 14,
                class_="figure",
            ),
        ]
    said = ", ".join(f"{step.name.lower()} {signed_days(step.value)}" for step in steps)
    return svg.picture(
        "fall",
        title="How the cost of this bin comes about",
        description=f"In staff-days: {said}. The table below holds every stage.",
        height=len(steps) * _ROW + 4,
        body=body,
    )


def days(gains: Sequence[tuple[str, int]]) -> Markup:
    """Draw who gains days and who loses them, to the right and to the left."""
    ordered = sorted(gains, key=lambda one: (-one[1], one[0]))
    largest = max((abs(gain) for _, gain in ordered), default=0) or 1
    half, middle = 24.0, 60.0
    body: list[Markup] = [
        svg.tag(
            "line",
            x1=svg.percent(middle),
            x2=svg.percent(middle),
            y1=0,
            y2=len(ordered) * _ROW,
            class_="axis-line",
        )
    ]
    for place, (name, gain) in enumerate(ordered):
        top = place * _ROW + 4
        width = abs(gain) / largest * half
        left = middle if gain >= 0 else middle - width
        body += [
            svg.tag("text", name, x="0", y=top + 14, class_="code"),
            svg.tag(
                "rect",
                x=svg.percent(left),
                y=top,
                width=svg.percent(max(width, 0.15)),
                height=_BAR,
                class_="gain" if gain >= 0 else "loss",
            ),
            svg.tag(
                "text",
                signed_whole(gain),
                x=svg.percent(middle + (width if gain >= 0 else -width)),
                dx=6 if gain >= 0 else -6,
                y=top + 14,
                text_anchor="start" if gain >= 0 else "end",
                class_="figure",
            ),
        ]
    earlier = sum(gain > 0 for _, gain in ordered)
    later = sum(gain < 0 for _, gain in ordered)
    return svg.picture(
        "days",
        title="Days gained or lost against a review alone",
        description=f"{earlier} decided earlier, {later} later. The table of members "
        "holds the figures.",
        height=len(ordered) * _ROW + 4,
        body=body,
    )
