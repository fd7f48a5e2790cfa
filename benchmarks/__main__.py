"""Measure allybin beside what a user could pick instead.

Every run is a process of its own, watched from outside: wall seconds of the whole
process, peak memory of it and all it starts. Compiled kernels are made before.
"""

import argparse
import sys
from collections.abc import Sequence

from benchmarks import plots, resolve, scale
from benchmarks.peers import command as peers
from benchmarks.published import command as published

EXAMPLES = """examples:
  python -m benchmarks peers --sizes 200:30 --policies dense --seeds 1 2
  python -m benchmarks peers --methods groupby-repaired savings highs allybin
  python -m benchmarks scale --sizes 2000:365 20000:3650 --seeds 1 2 3
  python -m benchmarks scale --dask
  python -m benchmarks resolve --edits 5
  python -m benchmarks published --instances ../instances
  python -m benchmarks plots --results bench-results --out docs/pictures
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands and return its exit code."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=plain,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module, summary in (
        ("peers", peers, "everything a user could pick, side by side"),
        ("scale", scale, "whole runs of allybin, from hundreds to a million"),
        ("resolve", resolve, "one edit of a proposal, solved warm and from nothing"),
        ("published", published, "published instances through the same core"),
        ("plots", plots, "pictures of what peers and scale have measured"),
    ):
        added = commands.add_parser(
            name, help=summary, description=module.__doc__, formatter_class=plain
        )
        module.add_arguments(added)
        added.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
