"""One published instance in a process of its own: `python -m benchmarks.published.run`.

What the core finds goes to standard output as JSON: bins of items, bound, seconds.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

from benchmarks.published.reader import (
    UNIT,
    Packing,
    build,
    items_in_order,
    read_file,
    read_packing,
)
from optimizer.selection.solver import solve


def main() -> None:
    """Solve an instance and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published.run")
    parser.add_argument("file", type=Path)
    parser.add_argument("--time-limit", type=float, required=True)
    options = parser.parse_args()
    found = read_file(options.file)
    if found is None:
        parser.error(f"{options.file} is no published instance.")
    json.dump(pack(read_packing(found), options.time_limit), sys.stdout)


def pack(packing: Packing, time_limit: float) -> dict[str, object]:
    """Pack items by the core until it is proven or the seconds are over."""
    order = items_in_order(packing)
    begun = time.monotonic()

    def left() -> float:
        return max(0.0, time_limit - (time.monotonic() - begun))

    selection = solve(build(packing), stop=lambda: left() == 0.0, remaining=left)
    return {
        "bins": [[order[place] for place in members] for members in selection.bins],
        "bound": math.ceil(selection.bound / UNIT),
        "seconds": time.monotonic() - begun,
    }


if __name__ == "__main__":
    main()
