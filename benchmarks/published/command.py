"""`python -m benchmarks published`: known optima, reached and proven by the core."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from benchmarks import machine
from benchmarks.measure import measure
from benchmarks.published.reader import not_our_form, read_file, read_packing
from benchmarks.results import save
from benchmarks.table import markdown, seconds

HEADINGS = (
    "instance", "items", "known", "ours", "bound", "proven", "seconds", "MB",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One instance: what is known of it and what the core found.

    ``ours`` is None when there is no valid packing, and ``skipped`` says why it was
    not run.
    """

    name: str
    kind: str
    items: int
    known: int | None
    known_optimal: bool
    time_limit: float
    skipped: str = ""
    ours: int | None = None
    bound: int | None = None
    seconds: float = 0.0
    megabytes: float = 0.0
    note: str = ""

    @property
    def proven(self) -> bool:
        """Whether the packing is proven optimal."""
        return self.ours is not None and self.ours == self.bound

    @property
    def reached(self) -> bool:
        """Whether the packing is as good as the best known, or better."""
        return self.ours is not None and self.known is not None and (
            self.ours <= self.known
        )  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be chosen."""
    parser.add_argument(
        "--instances", type=Path, required=True, metavar="DIR",
        help="folder of published instances as JSON, searched through",
    )  # fmt: skip
    parser.add_argument(
        "--time-limit", type=float, default=60.0, metavar="SECONDS",
        help="of each instance [default: 60]",
    )  # fmt: skip
    parser.add_argument(
        "--results", type=Path, default=Path("bench-results"), metavar="DIR",
        help="folder for published.json [default: bench-results]",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Run every instance of our form, print the table and the counts."""
    folder: Path = options.instances
    if not folder.is_dir():
        print(f"There is no folder {folder}: no published instance was run.")
        return 0
    about = machine.describe()
    found = []
    for path in sorted(folder.rglob("*.json")):
        one = run_file(path, options.time_limit)
        if one is None:
            continue
        found.append(one)
        row = {**asdict(one), "machine": about}
        save(options.results, "published", [row], ("name", "time_limit"))
        if not one.skipped:
            print(f"{one.name}: {one.ours}, bound {one.bound}", file=sys.stderr)
    print(f"{about}\n")
    for text in report(found):
        print(text)
    return 0


def run_file(path: Path, time_limit: float) -> Found | None:
    """Run one file; None when it is no published instance."""
    content = read_file(path)
    if content is None:
        return None
    common = Found(
        name=content["name"],
        kind=content["kind"],
        items=content["n"],
        known=content.get("best"),
        known_optimal=bool(content.get("optimal")),
        time_limit=time_limit,
    )
    reason = not_our_form(content)
    if reason:
        return Found(**(asdict(common) | {"skipped": reason}))
    packing = read_packing(content)
    command = [sys.executable, "-m", "benchmarks.published.run", str(path.resolve())]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        went = measure(
            [*command, "--time-limit", str(time_limit)], out, time_limit=time_limit
        )
        measured = {"seconds": went.seconds, "megabytes": went.megabytes}
        if went.ending or went.code:
            note = went.ending or went.errors.strip().rpartition("\n")[2]
            return Found(**(asdict(common) | measured | {"note": note}))
        answer = json.loads(out.read_text(encoding="utf-8"))
    ours = packing.cost(answer["bins"])
    return Found(
        **(
            asdict(common)
            | measured
            | {
                "ours": ours,
                "bound": answer["bound"],
                "seconds": answer["seconds"],
                "note": "" if ours is not None else "the bins are no valid packing",
            }
        )
    )


def report(found: Sequence[Found]) -> Iterator[str]:
    """Yield the table of instances run, what was not run and why, and the counts."""
    ran = [one for one in found if not one.skipped]
    if ran:
        yield f"{markdown(HEADINGS, [_row(one) for one in ran])}\n"
    skipped = sorted((o.kind, o.skipped) for o in found if o.skipped)
    for (kind, reason), group in groupby(skipped):
        yield f"Not our form: {kind}, {len(list(group))} files: {reason}."
    known = [one for one in ran if one.known is not None and one.known_optimal]
    yield (
        f"\n{len(ran)} run: {sum(one.proven for one in ran)} proven optimal within "
        f"{ran[0].time_limit:g} s each; {sum(one.reached for one in known)} of "
        f"{len(known)} known optima reached."
        if ran
        else "\nNo instance of our form is in the folder."
    )
    for one in ran:
        if one.known_optimal and one.known is not None:
            if one.bound is not None and one.bound > one.known:
                yield f"The bound of {one.name} is above its known optimum."
            if one.ours is not None and one.ours < one.known:
                yield f"The packing of {one.name} is below its known optimum."


def _row(one: Found) -> list[str]:
    known = "–" if one.known is None else f"{one.known:,}"
    if one.known is not None and not one.known_optimal:
        known += " (best known)"
    return [
        one.name,
        f"{one.items}",
        known,
        one.note or f"{one.ours:,}",
        "–" if one.bound is None else f"{one.bound:,}",
        "yes" if one.proven else "no",
        seconds(one.seconds),
        f"{one.megabytes:,.0f}",
    ]
