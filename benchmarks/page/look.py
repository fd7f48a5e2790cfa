"""Looking at a page: as a client that waits, and as a browser that paints."""

import math
import re
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from tests.web.browsing import CHROMIUM


class NotShown(Exception):
    """A page was not shown; says what it was answered with."""


@dataclass(frozen=True, slots=True)
class Processor:
    """The processor time of the processes that serve: one, and all it has begun."""

    pid: int

    def used(self) -> float:
        """Return the seconds used until now."""
        return sum(_used(pid) for pid in (self.pid, *_begun_by(self.pid)))


def _used(pid: int) -> float:
    # The clock of a process, as clock_getcpuclockid(3) makes its number.
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0  # it has ended meanwhile


def _begun_by(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            children = (task / "children").read_text(encoding="ascii").split()
        except OSError:
            continue
        for child in children:
            found += [int(child), *_begun_by(int(child))]
    return found


@dataclass(frozen=True, slots=True)
class Looked:
    """How long looks at a page took, what the server used for them, and their bytes."""

    seconds: Sequence[float]
    used: Sequence[float]
    size: int

    def quantile(self, part: float) -> float:
        """Return the milliseconds that a part of the looks took at most."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[max(0, math.ceil(part * len(ordered)) - 1)]

    @property
    def processor(self) -> float:
        """Milliseconds of processor time that a look took, in the middle."""
        return 1000 * statistics.median(self.used)


def all_of(some: Iterable[Looked]) -> Looked:
    """Return looks at several pages as looks at one."""
    taken = [*some]
    return Looked(
        [took for one in taken for took in one.seconds],
        [used for one in taken for used in one.used],
        max(one.size for one in taken),
    )


class Reader:
    """Somebody who has signed in with a key, on one connection that is kept."""

    def __init__(self, port: int, key: str) -> None:
        self._line = HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookie = self._signed_in(key)

    def _signed_in(self, key: str) -> str:
        self._line.request(
            "POST",
            "/sign-in",
            urlencode({"key": key}),
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "Sec-Fetch-Site": "same-origin",
            },
        )
        answer = self._line.getresponse()
        answer.read()
        found = re.match(r"allybin=([^;]+)", answer.headers.get("Set-Cookie", ""))
        if found is None:
            raise SystemExit(f"Signing in was answered with {answer.status}.")
        return found[1]

    def look(self, path: str, times: int, processor: Processor) -> Looked:
        """Look at a page; before several times once more, which does not count."""
        self._line.close()  # the server hangs up on who says nothing for long
        if times > 1:
            self._look(path, processor)
        return all_of(self._look(path, processor) for _ in range(times))

    def _look(self, path: str, processor: Processor) -> Looked:
        before, began = processor.used(), time.perf_counter()
        size = self._read(path)
        took = time.perf_counter() - began
        return Looked([took], [processor.used() - before], size)

    def _read(self, path: str) -> int:
        self._line.request(
            "GET",
            path,
            headers={"Cookie": f"allybin={self.cookie}", "Accept": "text/html"},
        )
        answer = self._line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise NotShown(f"not shown: it was answered with {answer.status}")
        return len(body)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser that holds nothing."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        try:
            yield started
        finally:
            started.close()


def painted(chromium: Browser, url: str, cookie: str, path: str) -> Sequence[float]:
    """Return milliseconds to the first paint of a new browser, and of one that came.

    The middle of three browsers that hold nothing, each of which comes twice.
    """
    times: list[tuple[float, float]] = []
    for _ in range(3):
        context = chromium.new_context()
        context.add_cookies([{"name": "allybin", "value": cookie, "url": url}])
        page = context.new_page()
        first, second = (_first_paint(page, url + path) for _ in range(2))
        times.append((first, second))
        context.close()
    return [statistics.median(one) for one in zip(*times, strict=True)]


def _first_paint(page: Page, address: str) -> float:
    page.goto(address)
    found: float = page.evaluate(_PAINT)
    return found


_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  for (const one of list.getEntries())
    if (one.name === "first-contentful-paint") done(one.startTime);
}).observe({ type: "paint", buffered: true }))"""
