"""The price of a change as its page shows it."""

from collections.abc import Mapping, Sequence
from typing import Any

type Shown = dict[str, Any]


def changed_bins(said: Shown) -> list[str]:
    """Return the bins that a change touches or makes."""
    return [*(one["bin_id"] for one in said.get("bins", ())), *said.get("gone", ())]


def priced_view(
    said: Shown, members: Mapping[str, Sequence[str]], cost: int | None
) -> Shown:
    """Return a price with the bins before and after it, side by side.

    ``members`` are the requests of those bins as they are, ``cost`` what the plan costs
    now, in thousandths of a staff-day.
    """
    if "undoes" in said:
        before = (cost or 0) / 1000
        after = round(before + said["change"], 3)
        return {**said, "cost_before": before, "cost_after": after}
    return {**said, "lines": _lines(said, members), "best_lines": _best(said)}


def _lines(said: Shown, members: Mapping[str, Sequence[str]]) -> list[Shown]:
    lines = [
        {
            "bin_id": one["bin_id"],
            "is_new": one["bin_id"] in said["new"],
            "before": members.get(one["bin_id"], ()),
            "after": one["request_ids"],
            "bin": one,
        }
        for one in said["bins"]
    ]
    gone = [
        {"bin_id": name, "is_new": False, "before": members.get(name, ()), "after": (),
         "bin": None}
        for name in said["gone"]
    ]  # fmt: skip
    return [*lines, *gone]


def _best(said: Shown) -> list[Shown]:
    return [] if said["best"] is None else [*said["best"]["bins"]]
