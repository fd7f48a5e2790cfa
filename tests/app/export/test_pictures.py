"""The arithmetic behind the pictures."""

import re
from datetime import date, timedelta

from app.export.pictures import effort, timeline, together
from app.export.pictures.together import Pair


def lane(bin_id: str, members: int, saved: float) -> timeline.Lane:
    start = date(2026, 3, 1)
    return timeline.Lane(
        bin_id=bin_id,
        text="",
        starts_on=start,
        forecast_on=start + timedelta(days=100),
        saved=saved,
        members=tuple(
            timeline.Member(
                customer="EST",
                ready_on=start - timedelta(days=place),
                solo_forecast_on=start + timedelta(days=90),
                needed_by=None,
            )
            for place in range(members)
        ),
    )


def test_bars_are_as_long_as_their_figures() -> None:
    stages = [
        effort.StageEffort(id="S1", name="One", before=40.0, after=10.0),
        effort.StageEffort(id="S2", name="Two", before=20.0, after=20.0),
        effort.StageEffort(id="S3", name="Never", before=0.0, after=0.0),
    ]
    html = str(effort.draw(stages))
    bars = re.findall(r'width="([\d.]+)%" height="14" class="(before|after)"', html)
    widths = [(float(width), kind) for width, kind in bars]
    longest = widths[0][0]
    assert widths == [
        (longest, "before"),
        (longest / 4, "after"),
        (longest / 2, "before"),
        (longest / 2, "after"),
    ]
    assert "Never" not in html


def test_lanes_that_save_most_are_chosen_and_keep_their_order() -> None:
    lanes = [lane(f"B{n:03}", 2, saved=float(n)) for n in range(1, 31)]
    chosen = timeline.choose_lanes(lanes)
    best = [f"B{n:03}" for n in range(31 - timeline.MOST_LANES, 31)]
    assert [found.bin_id for found in chosen] == best


def test_a_single_huge_lane_is_still_drawn() -> None:
    huge = lane("B001", timeline.MOST_MEMBERS + 10, saved=1.0)
    assert timeline.choose_lanes([huge]) == [huge]


def test_every_mark_of_the_timeline_is_inside_the_picture() -> None:
    lanes = [lane("B001", 3, 5.0), lane("B002", 12, 4.0)]
    html = str(
        timeline.draw(lanes, total=2, alone=[date(2025, 12, 1)], as_of=date(2026, 1, 1))
    )
    assert all(0 <= float(x) <= 100 for x in re.findall(r'x[12]?="([-\d.]+)%"', html))


def test_shared_reviews_count_each_bin_once() -> None:
    pairs = together.shared_reviews(
        [
            ("B001", ("EST", "LVA", "LTU")),
            ("B002", ("LVA", "EST")),
            ("B003", ("POL",)),
        ]
    )
    assert pairs == [
        Pair(first="EST", second="LVA", bin_ids=("B001", "B002")),
        Pair(first="EST", second="LTU", bin_ids=("B001",)),
        Pair(first="LTU", second="LVA", bin_ids=("B001",)),
    ]


def test_customers_of_one_group_stand_together() -> None:
    pairs = together.shared_reviews(
        [("B1", ("A", "M", "Z")), ("B2", ("B", "N")), ("B3", ("A", "Z"))]
    )
    order = together.order_customers(pairs)
    assert set(order[:3]) == {"A", "M", "Z"}
    assert set(order[3:]) == {"B", "N"}
