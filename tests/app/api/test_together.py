"""Work that is done together: what came in meanwhile is next, and each has its own."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from app.api.together import MOST, Together


class Doing:
    """Does work that is held back until it is let go; keeps what was done at once."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.done: list[list[int]] = []

    def __call__(self, some: Sequence[int]) -> list[int | Exception]:
        """Return ten times each number; an odd one is refused."""
        self.free.wait()
        self.done.append([*some])
        if 99 in some:
            raise RuntimeError("all of it failed")
        return [ValueError(n) if n % 2 else 10 * n for n in some]


def asked(
    numbers: Sequence[int], leaves: int | None = None
) -> tuple[Doing, list[object]]:
    """Return what was done for numbers that come in at once, and what each was told."""
    doing = Doing()
    together: Together[int, int] = Together(doing)

    async def all_of_them() -> list[object]:
        tasks = [asyncio.create_task(together(number)) for number in numbers]
        await asyncio.sleep(0)
        if leaves is not None:
            tasks[leaves].cancel()
        doing.free.set()
        return [*await asyncio.gather(*tasks, return_exceptions=True)]

    return doing, asyncio.run(all_of_them())


def test_what_comes_in_together_is_done_together() -> None:
    doing, told = asked([2, 4, 6])
    assert told == [20, 40, 60]
    assert doing.done == [[2, 4, 6]]


def test_no_more_is_done_at_once_than_may_be() -> None:
    numbers = [2 * n for n in range(MOST + 5)]
    doing, told = asked(numbers)
    assert told == [10 * n for n in numbers]
    assert [len(some) for some in doing.done] == [MOST, 5]


def test_each_is_told_what_is_its_own() -> None:
    _, told = asked([2, 3, 4])
    assert (told[0], told[2]) == (20, 40)
    assert isinstance(told[1], ValueError)


def test_a_client_that_has_gone_keeps_nothing_from_the_others() -> None:
    _, told = asked([2, 4, 6], leaves=1)
    assert (told[0], told[2]) == (20, 60)
    assert isinstance(told[1], asyncio.CancelledError)


def test_all_are_told_what_failed_for_all_and_the_next_are_served() -> None:
    doing = Doing()
    doing.free.set()
    together: Together[int, int] = Together(doing)

    async def one_after_the_other() -> int:
        with pytest.raises(RuntimeError, match="all of it failed"):
            await together(99)
        return await together(2)

    assert asyncio.run(one_after_the_other()) == 20
