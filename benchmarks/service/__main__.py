"""Start a server on either database, load it, and print how quick it was.

The load comes from this process, on the same machine. Where others work on the machine
as well, look at figures beside each other: ``healthz`` does nothing but answer.
"""

import argparse
import asyncio
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.service.calls import Calls, batch_of, database
from benchmarks.service.load import Times, decisions, for_seconds, looks
from tests.faults.site import Plan, Site

CLIENTS = 32


@dataclass(slots=True)
class Memory:
    """The most memory that a process held, in MiB, as the system counts it."""

    pid: int

    def forget(self) -> None:
        """Begin to measure anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")

    @property
    def most(self) -> float:
        """The peak since then."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        line = next(each for each in status.splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


@dataclass(slots=True)
class Bench:
    """A server under load, and the lines that say how it did."""

    calls: Calls
    memory: Memory
    seconds: float
    lines: list[tuple[str, str]] = field(default_factory=list)

    def say(self, what: str, figure: object) -> None:
        """Print a figure, and keep it."""
        print(f"  {what:46} {figure}", flush=True)
        self.lines.append((what, str(figure)))

    # --- what is measured -------------------------------------------------------------

    def steady(self, plan: Plan, versions: dict[str, int]) -> None:
        """Print decisions a second, beside calls that do nothing."""
        port, key = self.calls.site.port, self.calls.site.key
        for name, path in (("healthz", "/healthz"), ("one proposal", "")):
            where = path or f"/v1/proposals/{plan.proposal_id}?bins=false"
            end = for_seconds(self.seconds / 4)
            self.say(name, asyncio.run(looks(port, key, where, CLIENTS, end)))
        end = for_seconds(self.seconds)
        found = asyncio.run(
            decisions(port, key, plan.proposal_id, versions, CLIENTS, end)
        )
        self.say(f"decisions, {CLIENTS} clients", found)

    def imported(self) -> None:
        """Print how long a file of 10,000 takes."""
        began = time.perf_counter()
        self.calls.send(10_000, seed=11)
        self.say("10,000 rows of CSV", f"{time.perf_counter() - began:7.1f} s")

    def crowded(
        self, plan: Plan, versions: dict[str, int], batch_id: str, rows: int
    ) -> None:
        """Print how calls do during a long solve and a very large import."""
        self.memory.forget()
        solved = self.calls.propose(batch_id, seconds=60)
        body = batch_of(rows, seed=12, days=3650)
        took: list[float] = []

        def send() -> None:
            began = time.perf_counter()
            self.calls.ask("POST", "/batches", body, Content_Type="text/csv")
            took.append(time.perf_counter() - began)

        def solve() -> None:
            self.calls.finished(solved)

        both = [threading.Thread(target=send), threading.Thread(target=solve)]
        for one in both:
            one.start()

        def end() -> bool:
            return not any(one.is_alive() for one in both)

        port, key = self.calls.site.port, self.calls.site.key

        async def together() -> Sequence[Times]:
            return await asyncio.gather(
                looks(port, key, "/healthz", 1, end, pause=0.01),
                decisions(port, key, plan.proposal_id, versions, 4, end),
            )

        health, decided = asyncio.run(together())
        self.say(f"during a solve and {rows:,} rows: healthz", health)
        self.say("   decisions, 4 clients", decided)
        self.say("   the import", f"{took[0]:7.1f} s" if took else "failed")
        self.say("   most memory of the server", f"{self.memory.most:7.0f} MiB")

    def questions(self, plan: Plan) -> None:
        """Print how long previews and solving again take."""
        shown = self.calls.ask("GET", f"/proposals/{plan.proposal_id}")
        combined = [one for one in shown["bins"] if len(one["request_ids"]) > 1]
        first: list[float] = []
        for one in combined[:6]:
            edit = {"op": "take_out", "request_id": one["request_ids"][0]}
            began = time.perf_counter()
            self.calls.ask(
                "POST", f"/proposals/{plan.proposal_id}/preview", {"edits": [edit]}
            )
            first.append(time.perf_counter() - began)
        self.say("the first preview", f"{first[0]:7.2f} s")
        self.say(
            "a preview (median, most)",
            f"{statistics.median(first[1:]):7.2f} s {max(first[1:]):7.2f} s",
        )
        edit = {"op": "take_out", "request_id": combined[0]["request_ids"][0]}
        self.calls.ask(
            "POST",
            f"/proposals/{plan.proposal_id}/edits",
            {"edits": [edit], "reason": "measured"},
            If_Match=f'"{shown["version"]}"',
        )
        began = time.perf_counter()
        self.calls.ask(
            "POST", f"/proposals/{plan.proposal_id}/resolve", {}, Prefer="wait=60"
        )
        self.say("solving again after an edit", f"{time.perf_counter() - began:7.2f} s")


def measure(address: str, seconds: float, rows: int) -> None:
    """Start a server on a database, and print how it does."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site.of(address, Path(folder))
        with site.serving() as server:
            site.wait_until_ready()
            bench = Bench(Calls(site), Memory(server.process.pid), seconds)
            batch_id = bench.calls.send(1_000, seed=3, days=120)
            began = time.perf_counter()
            proposal_id = bench.calls.propose(batch_id, seconds=60)
            said = bench.calls.finished(proposal_id)
            bench.say(
                "a proposal of 1,000 requests",
                f"{time.perf_counter() - began:7.1f} s, {said['state']}",
            )
            plan = bench.calls.plan(proposal_id)
            versions = dict.fromkeys(plan.bins, 1)
            bench.steady(plan, versions)
            bench.imported()
            long = bench.calls.send(5_000, seed=4, days=90)
            bench.crowded(plan, versions, long, rows)
            bench.questions(plan)


def main() -> None:
    """Measure on the databases that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service")
    parser.add_argument(
        "--on", nargs="+", default=["sqlite", "postgresql"],
        choices=["sqlite", "postgresql"],
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rows", type=int, default=200_000)
    given = parser.parse_args()
    print(describe())
    for kind in given.on:
        print(kind, flush=True)
        with database(kind) as address:
            measure(address, given.seconds, given.rows)


if __name__ == "__main__":
    main()
