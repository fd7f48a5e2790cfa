"""Start a server with a plan of ten thousand requests, and look at every page of it.

One client asks for one page after another, on the same machine. Beside the time it
waited stands the processor time the server used: that is the same where others work on
the machine as well. First paint is what Chromium reports of a page it never saw.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from benchmarks.page.look import (
    Looked,
    NotShown,
    Processor,
    Reader,
    all_of,
    browser,
    painted,
)
from benchmarks.page.places import places, places_of_many, previews
from benchmarks.service.calls import Calls, database
from tests.faults.site import Site, free_port

REQUESTS, DAYS, SEED = 10_000, 3_650, 21
"""The batch: with the policy nato-all it makes about a thousand combined reviews."""

_HEAD = (
    f"  {'page':24} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8} {'kB':>6}"
    f" {'first paint ms':>15} {'again':>7}"
)


def prepared(site: Site, seconds: int, kept: Path) -> dict[str, Any]:
    """Return what the site holds: what an earlier run left, or made now."""
    if kept.exists():
        said: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return said
    calls = Calls(site)
    batch_id = calls.send(REQUESTS, SEED, DAYS)
    made: dict[str, Any] = {"batch_id": batch_id}
    for name, policy in (("plan", "nato-all"), ("alone", "by-country")):
        proposal_id = calls.propose(batch_id, seconds, policy=policy)
        ended = calls.finished(proposal_id)
        if ended["state"] != "done":
            raise SystemExit(f"The {name} ended as {ended['state']}: {ended}")
        made[name] = proposal_id
    kept.write_text(json.dumps(made), encoding="utf-8")
    return made


def measure(site: Site, pid: int, made: dict[str, Any], visits: int) -> None:
    """Print a line for every page, and for previews."""
    calls = Calls(site)
    for name in ("plan", "alone"):
        print(f"  {_size_of(calls, made[name])}")
    processor = Processor(pid)
    reader = Reader(site.port, site.key)
    url = f"http://127.0.0.1:{site.port}"
    print(_HEAD, flush=True)
    shown = [
        *places(calls, made["plan"], made["batch_id"]),
        *places_of_many(made["alone"]),
    ]
    with browser() as chromium:
        for place in shown:
            try:
                looked = reader.look(place.path, visits, processor)
            except NotShown as why:
                print(f"  {place.name:24} {why}", flush=True)
                continue
            paint = None
            if not place.is_file:
                paint = painted(chromium, url, reader.cookie, place.path)
            print(_line(place.name, looked, paint), flush=True)
    asked = previews(calls, made["plan"], 21)
    first, *others = (reader.look(one.path, 1, processor) for one in asked)
    print(_line("the first preview", first, None))
    print(_line("a preview", all_of(others), None))
    print(f"after it: {os.getloadavg()[0]:.1f} processes wanted to run", flush=True)


def _size_of(calls: Calls, proposal_id: str) -> str:
    shown = calls.bins(proposal_id)
    combined = sum(len(one["request_ids"]) > 1 for one in shown)
    requests = sum(len(one["request_ids"]) for one in shown)
    return f"{requests:,} requests in {len(shown):,} bins, {combined:,} of them shared"


def _line(name: str, looked: Looked, paint: Sequence[float] | None) -> str:
    shown = "" if paint is None else f" {paint[0]:15.0f} {paint[1]:7.0f}"
    return (
        f"  {name:24} {looked.quantile(0.5):8.0f} {looked.quantile(0.95):8.0f}"
        f" {looked.processor:8.0f} {looked.size / 1000:6.0f}{shown}"
    )


def main() -> None:
    """Measure on the databases that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page")
    parser.add_argument(
        "--on", nargs="+", default=["sqlite", "postgresql"],
        choices=["sqlite", "postgresql"],
    )  # fmt: skip
    parser.add_argument("--visits", type=int, default=40, help="looks at each page")
    parser.add_argument(
        "--seconds", type=int, default=30, help="time limit of the proposals"
    )
    parser.add_argument(
        "--keep", type=Path, help="folder of an SQLite store to make once and use again"
    )
    given = parser.parse_args()
    print(describe())
    print(f"before it: {os.getloadavg()[0]:.1f} processes wanted to run")
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
        print("sqlite", flush=True)
        _run(f"sqlite:///{given.keep}/allybin.db", given.keep, given)
        return
    for kind in given.on:
        print(kind, flush=True)
        with database(kind) as address, tempfile.TemporaryDirectory() as folder:
            _run(address, Path(folder), given)


def _run(address: str, folder: Path, given: argparse.Namespace) -> None:
    site = _site(address, folder)
    with site.serving() as server:
        site.wait_until_ready()
        made = prepared(site, given.seconds, folder / "made.json")
        measure(site, server.process.pid, made, given.visits)


def _site(address: str, folder: Path) -> Site:
    """Return where a server is started; with the key of an earlier run, if any."""
    kept = folder / "first.key"
    if kept.exists():
        key = kept.read_text(encoding="ascii")
        return Site(address=address, folder=folder, port=free_port(), key=key)
    site = Site.of(address, folder)
    kept.touch(mode=0o600)
    kept.write_text(site.key, encoding="ascii")
    return site


if __name__ == "__main__":
    main()
