"""Takes one scope filter after another away: whoever tests isolation has to notice.

Every function of the store called ``scoped…`` is a filter, new ones too.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

from sqlalchemy import true

import app.storage

type Filter = tuple[ModuleType, str]


def filters() -> list[Filter]:
    """Return every scope filter of the store: its module and its name."""
    found: list[Filter] = []
    for info in pkgutil.iter_modules(app.storage.__path__, "app.storage."):
        if info.ispkg:
            continue
        module = importlib.import_module(info.name)
        found += [
            (module, name)
            for name, value in sorted(vars(module).items())
            if name.startswith("scoped")
            and callable(value)
            and value.__module__ == module.__name__
        ]
    return found


@contextmanager
def without(filter_: Filter) -> Iterator[None]:
    """Let a filter let everything through."""
    module, name = filter_
    with patch.object(module, name, lambda *_: true()):
        yield


def noticed(check: Callable[[], Any]) -> bool:
    """Tell whether a check fails."""
    try:
        check()
    except AssertionError:
        return True
    return False
