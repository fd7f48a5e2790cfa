"""One method on one batch, in a process of its own: `python -m benchmarks.peers.run`.

What it finds goes to standard output as JSON: bins of request ids, bound, note.
"""

import argparse
import json
import sys
import time

from benchmarks.evaluate import read_problem
from benchmarks.peers.answer import Clock
from benchmarks.peers.methods import PEERS


def main() -> None:
    """Run a method and print its answer."""
    begun = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.run")
    parser.add_argument("method", choices=[name for name, p in PEERS.items() if p.run])
    parser.add_argument("batch")
    parser.add_argument("--policy", required=True)
    parser.add_argument("--as-of", required=True)
    parser.add_argument("--time-limit", type=float, required=True)
    options = parser.parse_args()
    method = PEERS[options.method].run
    assert method is not None
    problem = read_problem(options.batch, options.policy, options.as_of)
    answer = method(problem, Clock(options.time_limit, begun))
    ids = [r.request_id for r in problem.requests]
    bins = None
    if answer.bins is not None:
        bins = [[ids[i] for i in members] for members in answer.bins]
    found = {"bins": bins, "bound": answer.bound, "note": answer.note}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
