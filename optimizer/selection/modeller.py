"""PuLP, without the other solvers it would load with itself.

``import pulp`` imports the package of every solver it can speak to and finds installed.
OR-Tools is one of them: it brings pandas and pyarrow along, some 70 MB in each process,
and its copy of HiGHS and that of highspy cannot share a process.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_UNWANTED: Final = "ortools"


@contextmanager
def _absent(package: str) -> Iterator[None]:
    """Let a package that is not imported yet seem not to be installed."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


with _absent(_UNWANTED):
    import pulp

__all__ = ["pulp"]
