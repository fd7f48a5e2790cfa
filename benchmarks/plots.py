"""`python -m benchmarks plots`: pictures of what peers and scale have measured.

Four SVG files: the proven gap over time, plan and bound over time beside the peers,
seconds over requests of every method, seconds and memory over requests of allybin.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers.methods import OURS, PEERS
from benchmarks.results import Row, load

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's, which stay apart for every kind of colour vision."""

MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
DASHES = ("-", "--", "-.", ":")
LEAST_GAP = 1e-4  # %, what counts as optimal; zero is on no logarithmic axis
MANY_TIMES = 200  # an axis that spans less is labelled at 1, 2, 5
LINES = 8
"""Lines of one picture at most: those of the largest batches."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be chosen."""
    parser.add_argument(
        "--results", type=Path, default=Path("bench-results"), metavar="DIR",
        help="folder with peers.json and scale.json [default: bench-results]",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("docs/pictures"), metavar="DIR",
        help="folder for the pictures [default: docs/pictures]",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Draw every picture there are results for."""
    if find_spec("matplotlib") is None:
        print("matplotlib is not installed here: see `make bench`.", file=sys.stderr)
        return 1
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "allybin", "svg.fonttype": "none"})
    mpl.rcParams.update({"font.size": 9, "axes.grid": True, "grid.alpha": 0.3})
    options.out.mkdir(parents=True, exist_ok=True)
    peers, scale = load(options.results, "peers"), load(options.results, "scale")
    drawn = [
        gap_over_time([*scale, *(r for r in peers if r["method"] == OURS)]),
        plan_and_bound(peers),
        peers_over_requests(peers),
        scale_over_requests(scale),
    ]
    for name, figure in drawn:
        if figure is None:
            print(f"No results for {name}.svg.", file=sys.stderr)
            continue
        path = options.out / f"{name}.svg"
        figure.savefig(path, metadata={"Date": None, "Creator": None}, dpi=72)
        print(path)
    return 0


type Picture = tuple[str, Any]


def gap_over_time(runs: Sequence[Row]) -> Picture:
    """Draw the proven gap of allybin over seconds, a line a batch."""
    name = "benchmark-gap-over-time"
    told = [r for r in _first_of_each(runs, "requests", "days", "policy") if _points(r)]
    if not told:
        return name, None
    figure, (axes,) = _figure()
    styles = _styles()
    for row in sorted(told, key=_volume)[-LINES:]:
        points = _points(row)
        axes.plot(
            [seconds for seconds, _, _ in points],
            [max(LEAST_GAP, 100 * _gap(plan, bound)) for _, plan, bound in points],
            drawstyle="steps-post",
            label=_batch(row),
            markevery=[-1],
            **next(styles),
        )
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("seconds since the command was started")
    axes.set_ylabel("proven gap, % of the plan")
    axes.set_title(f"allybin: proven gap over time ({LEAST_GAP:g} % is optimal)")
    _finish(figure, axes)
    return name, figure


def plan_and_bound(runs: Sequence[Row]) -> Picture:
    """Draw how plan and bound meet on one batch, and where the peers ended."""
    name = "benchmark-plan-and-bound"
    ours = [r for r in runs if r["method"] == OURS and len(_points(r)) > 1]
    if not ours:
        return name, None
    mine = max(ours, key=lambda r: (len(_rivals(runs, r)), _volume(r)))
    rivals = _rivals(runs, mine)
    base = max(float(r["bound"]) for r in [mine, *rivals] if r["bound"])
    figure, (axes,) = _figure()
    points = _points(mine)
    times = [seconds for seconds, _, _ in points]
    for label, at, style in (("plan", 1, "-"), ("bound", 2, "--")):
        share = [100 * (point[at] / base - 1) for point in points]
        axes.step(
            times, share, where="post", color=COLOURS[0], linestyle=style,
            label=f"allybin, {label}",
        )  # fmt: skip
    for row, colour, mark in zip(
        rivals, cycle(COLOURS[1:]), cycle(MARKS), strict=False
    ):
        for key, filled in (("cost", colour), ("bound", "none")):
            if row[key] and not row["broken_bins"]:
                axes.plot(
                    row["seconds"], 100 * (float(row[key]) / base - 1), mark,
                    color=colour, markerfacecolor=filled,
                    label=_title(row) if key == "cost" else None,
                )  # fmt: skip
    axes.set(xscale="log", yscale="symlog")
    axes.set_xlabel("seconds since the command was started")
    axes.set_ylabel("% above the best bound known")
    axes.set_title(f"{_batch(mine)}: plans (full marks) and bounds (open marks)")
    _finish(figure, axes)
    return name, figure


def peers_over_requests(runs: Sequence[Row]) -> Picture:
    """Draw seconds over requests of every method, a panel a policy."""
    name = "benchmark-time-over-requests"
    ended = [r for r in runs if r["seconds"] and r["cost"]]
    policies = list(dict.fromkeys(str(r["policy"]) for r in ended))
    if not ended:
        return name, None
    figure, panels = _figure(len(policies))
    for axes, policy in zip(panels, policies, strict=True):
        styles = _styles()
        for method in PEERS:
            style: dict[str, Any] = {**next(styles), "linewidth": 1}
            if method == OURS:
                style |= {"color": "#000000", "linestyle": "-", "linewidth": 2.5}
            mine = [r for r in ended if (r["policy"], r["method"]) == (policy, method)]
            if mine:
                axes.plot(*_median_seconds(mine), label=_title(mine[0]), **style)
        axes.set(xscale="log", yscale="log", title=policy, xlabel="requests")
    panels[0].set_ylabel("seconds of the whole process")
    _finish(figure, *panels)
    return name, figure


def scale_over_requests(runs: Sequence[Row]) -> Picture:
    """Draw seconds and memory of allybin over requests, a line a policy."""
    name = "benchmark-scale"
    ended = [r for r in runs if r["total"]]
    if not ended:
        return name, None
    figure, panels = _figure(2)
    styles = _styles()
    for policy in dict.fromkeys(str(r["policy"]) for r in ended):
        style = next(styles)
        for axes, key in zip(panels, ("seconds", "megabytes"), strict=True):
            mine = [r for r in ended if r["policy"] == policy]
            axes.plot(
                [r["requests"] for r in mine], [r[key] for r in mine],
                label=policy, **{**style, "linestyle": "none"},
            )  # fmt: skip
    for axes, label in zip(
        panels, ("seconds", "peak MB of all processes"), strict=True
    ):
        axes.set(xscale="log", yscale="log", xlabel="requests", ylabel=label)
    _finish(figure, *panels)
    return name, figure


# --- of one row -------------------------------------------------------------------


def _points(row: Row) -> list[tuple[float, float, float]]:
    """Return (seconds, plan, bound) over a run, its last word included."""
    told: Iterable[Sequence[float]] = row["progress"]
    points = [(seconds, plan, bound) for seconds, plan, bound in told]
    cost = row.get("cost") or row.get("total")
    bound = row.get("bound")
    if bound is None and cost and row.get("gap") is not None:
        bound = float(cost) * (1 - float(row["gap"]))
    if cost and bound is not None:
        points.append((float(row["seconds"]), float(cost), float(bound)))
    return points


def _gap(plan: float, bound: float) -> float:
    return (plan - bound) / plan if plan else 0.0


def _volume(row: Row) -> tuple[Any, ...]:
    return row["requests"], row["policy"]


def _batch(row: Row) -> str:
    return f"{row['requests']:,} over {row['days']:,} days, {row['policy']}"


def _title(row: Row) -> str:
    return PEERS[str(row["method"])].title.replace("*", "")


def _rivals(runs: Sequence[Row], mine: Row) -> list[Row]:
    same = ("requests", "days", "policy", "seed", "time_limit")
    return [
        r
        for r in runs
        if r["method"] != OURS and r["cost"] and all(r[k] == mine[k] for k in same)
    ]


def _first_of_each(runs: Sequence[Row], *keys: str) -> list[Row]:
    first: dict[tuple[object, ...], Row] = {}
    for row in runs:
        first.setdefault(tuple(row[key] for key in keys), row)
    return list(first.values())


def _median_seconds(runs: Sequence[Row]) -> tuple[list[int], list[float]]:
    sizes = sorted({int(r["requests"]) for r in runs})
    return sizes, [
        median(float(r["seconds"]) for r in runs if r["requests"] == size)
        for size in sizes
    ]


# --- drawing ----------------------------------------------------------------------


def _figure(panels: int = 1) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    width = 8.5 if panels == 1 else 3.4 * panels + 2
    figure = Figure(figsize=(width, 4.2), layout="constrained")
    return figure, [figure.add_subplot(1, panels, at + 1) for at in range(panels)]


def _finish(figure: Any, *panels: Any) -> None:
    """Write plain numbers on the axes, and one legend beside the panels."""
    from matplotlib.ticker import LogLocator, NullFormatter

    entries: dict[str, Any] = {}
    for axes in panels:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(_plain)
            axis.set_minor_formatter(NullFormatter())
            low, high = axis.get_view_interval()
            if axis.get_scale() == "log" and high < low * MANY_TIMES:
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        lines, labels = axes.get_legend_handles_labels()
        entries |= dict(zip(labels, lines, strict=True))
    figure.legend(
        entries.values(), entries.keys(), loc="outside right upper", fontsize=8
    )


def _plain(value: float, _: object) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def _styles() -> Iterator[dict[str, str]]:
    return (
        {"color": colour, "marker": mark, "linestyle": dash}
        for colour, mark, dash in zip(
            cycle(COLOURS), cycle(MARKS), cycle(DASHES), strict=False
        )
    )
