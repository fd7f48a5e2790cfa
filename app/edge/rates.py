"""How often a caller may call: by credential and by address, in this process."""

import hashlib
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address
from itertools import islice
from math import ceil

from limits import RateLimitItem, parse_many
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from app.edge.problem import Problem


class Counts(Storage):
    """Counts that end by themselves, on a clock that nobody sets.

    The store that comes with the library starts a thread a hundred times a second, and
    goes by the time of day. This one forgets the oldest counts when it holds too many.
    """

    STORAGE_SCHEME = None
    base_exceptions = ()

    def __init__(self, clock: Callable[[], float], most: int = 50_000) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._held: dict[str, tuple[int, float]] = {}

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a count, which begins anew when its time is over."""
        now = self._clock()
        count, end = self._held.get(key, (0, 0.0))
        if end <= now:
            self._held.pop(key, None)  # a new count goes behind all others
            count, end = 0, now + expiry
            self._make_room(now)
        self._held[key] = (count + amount, end)
        return count + amount

    def get(self, key: str) -> int:
        """Return a count."""
        count, end = self._held.get(key, (0, 0.0))
        return count if end > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """Return when a count ends, on the clock used here."""
        return self._held.get(key, (0, self._clock()))[1]

    def check(self) -> bool:
        """Return True: it is always there."""
        return True

    def reset(self) -> int | None:
        """Forget everything."""
        held = len(self._held)
        self._held.clear()
        return held

    def clear(self, key: str) -> None:
        """Forget a count."""
        self._held.pop(key, None)

    def _make_room(self, now: float) -> None:
        if len(self._held) < self._most:
            return
        self._held = {key: held for key, held in self._held.items() if held[1] > now}
        excess = max(0, len(self._held) - self._most // 2)
        for key in list(islice(self._held, excess)):
            del self._held[key]


class Rate:
    """One rate, such as ``100/second; 600/minute``, for everyone who is counted."""

    def __init__(
        self, written: str, name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._items: list[RateLimitItem] = parse_many(written)
        self._clock = clock
        self._counts = Counts(clock)
        self._limiter = FixedWindowRateLimiter(self._counts)
        self._name = name

    def refuse(self, counted: Callable[[float], int]) -> None:
        """Refuse what was counted elsewhere, in the seconds before, too often.

        Raises
        ------
        Problem
            429 with Retry-After.
        """
        for item in self._items:
            seconds = item.get_expiry()
            if counted(seconds) >= item.amount:
                raise self._too_many(item, seconds)

    def _too_many(self, item: RateLimitItem, wait: int) -> Problem:
        return Problem.of(
            429,
            f"There were more calls {self._name} than {item}. Try again in {wait} s.",
            headers={"Retry-After": str(wait)},
        )

    def hit(self, who: str) -> None:
        """Count a call.

        Raises
        ------
        Problem
            429 with Retry-After, when there were too many.
        """
        for item in self._items:
            if not self._limiter.hit(item, who):
                end = self._counts.get_expiry(item.key_for(who))
                wait = max(1, ceil(end - self._clock()))
                raise self._too_many(item, wait)


@lru_cache(maxsize=10_000)
def counted_address(address: str) -> str:
    """Return what an address is counted as: of IPv6, the network of a subscriber."""
    if ":" not in address:
        return address
    try:
        return str(IPv6Address(int(IPv6Address(address.partition("%")[0])) >> 64 << 64))
    except ValueError:
        return address


def counted_credential(credential: bytes) -> str:
    """Return what a credential is counted as: whole, so that nobody uses another's."""
    return hashlib.blake2b(credential, digest_size=16).hexdigest()
