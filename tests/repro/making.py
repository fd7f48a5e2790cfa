"""Propose for golden batches in a process of its own, and print what came of each.

``python -m tests.repro.making FIRST LAST [shuffled]`` from anywhere prints JSON;
``python -m tests.repro.making keep`` writes what is golden from now on.
"""

import hashlib
import io
import json
import os
import random
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any, Final

from app.commands.question import Files, read
from app.commands.replay import result_digest
from app.commands.solving import Effort, solve
from app.engine.halt import Halt
from app.generate import write_batch
from app.policies import read_policy, shipped_policies

FILE: Final = Path(__file__).parent / "golden.json"
BATCHES: Final = 30
SECONDS: Final = 600.0
"""A limit that no golden batch comes near: what ends a solve is its proof."""


def made(number: int, folder: Path, *, shuffled: bool) -> dict[str, Any]:
    """Return what a proposal for a golden batch comes to."""
    text = io.StringIO()
    write_batch(text, 20 + 3 * number, number, 120)
    header, *rows = text.getvalue().splitlines()
    if shuffled:
        random.Random(number).shuffle(rows)
    path = folder / f"{number}.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    found = read(Files(requests=(str(path),)))
    names = shipped_policies()
    problem = found.problem(read_policy(names[number % len(names)]), date(2026, 1, 5))
    effort = Effort(time_limit=SECONDS, gap=0.0, workers=1, progress=False)
    halt = Halt()
    halt.limit(SECONDS)
    document = solve(problem, found.hashes, effort, halt)
    bins = sorted(sorted(one["request_ids"]) for one in document["bins"])
    return {
        "total": document["objective"]["total"],
        "bound": document["lower_bound"],
        "bins": hashlib.sha256(json.dumps(bins).encode()).hexdigest(),
        "result": result_digest(document),
    }


def main(first: int, last: int, *, shuffled: bool) -> dict[str, Any]:
    """Return what golden batches come to, by their numbers."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            str(number): made(number, Path(folder), shuffled=shuffled)
            for number in range(first, last + 1)
        }


if __name__ == "__main__":
    if sys.argv[1] == "keep":
        kept = main(1, BATCHES, shuffled=False)
        for one in kept.values():
            del one["result"]  # its words may become better
        FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    else:
        said = main(
            int(sys.argv[1]), int(sys.argv[2]), shuffled="shuffled" in sys.argv[3:]
        )
        os.write(1, json.dumps(said).encode())
