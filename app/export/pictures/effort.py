"""Picture 1: effort by stage, country by country and as proposed."""

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from app.export.numbers import days, percent
from app.export.pictures import svg

_ROW: Final = 58
_BAR: Final = 14
_TOP: Final = 34
_WIDEST: Final = 74.0  # percent; the rest is for the figure behind the bar


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEffort:
    """Effort of one stage before and after, in staff-days."""

    id: str
    name: str
    before: float
    after: float

    @property
    def change(self) -> str:
        """The change in percent, or nothing where the stage was not there before."""
        if not self.before:
            return "new" if self.after else ""
        share = self.after / self.before - 1
        return f"+{percent(share)}" if share > 0 else percent(share)


def draw(stages: list[StageEffort]) -> Markup:
    """Draw one pair of bars for each stage that takes any effort."""
    shown = [stage for stage in stages if stage.before or stage.after]
    largest = max((max(s.before, s.after) for s in shown), default=1.0)
    body = [svg.tag("defs", svg.hatch("effort-hatch")), *_legend()]
    for place, stage in enumerate(shown):
        top = _TOP + place * _ROW
        body.append(
            svg.tag(
                "text",
                stage.name,
                svg.tag(
                    "tspan", f"  {stage.id}" if stage.id else "", class_="stage-id"
                ),
                x="0",
                y=top + 12,
                class_="label",
            )
        )
        body += _bar(stage.before, largest, top + 18, "before", days(stage.before))
        figure = f"{days(stage.after)}  {stage.change}".rstrip()
        body += _bar(stage.after, largest, top + 19 + _BAR, "after", figure)
    total_before = sum(stage.before for stage in shown)
    total_after = sum(stage.after for stage in shown)
    return svg.picture(
        "effort-picture",
        title="Effort by stage of review, before and after",
        description=(
            f"Paired bars for {len(shown)} stages, in staff-days. All stages together "
            f"take {days(total_before)} country by country and {days(total_after)} "
            "as proposed. The table below holds every figure."
        ),
        height=_TOP + len(shown) * _ROW,
        body=body,
    )


def _legend() -> list[Markup]:
    return [
        svg.tag("rect", x="0", y=3, width=22, height=_BAR, class_="before"),
        svg.tag("text", "Country by country", x="28", y=14.5, class_="small"),
        svg.tag("rect", x="50%", y=3, width=22, height=_BAR, class_="after"),
        svg.tag("text", "This proposal", x="50%", dx=28, y=14.5, class_="small"),
    ]


def _bar(value: float, largest: float, y: float, kind: str, text: str) -> list[Markup]:
    width = value / largest * _WIDEST
    parts = []
    if value:
        parts.append(
            svg.tag(
                "rect",
                x="0",
                y=y,
                width=svg.percent(max(width, 0.3)),
                height=_BAR,
                class_=kind,
            )
        )
    parts.append(
        svg.tag("text", text, x=svg.percent(width), dx=6, y=y + 11.5, class_="figure")
    )
    return parts
