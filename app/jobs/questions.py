"""What a resident process is asked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.jobs.orders import Order
from optimizer.edits import Edit
from optimizer.rulings import Ruling

KEPT: Final = 4
"""Proposals at hand at most; the one that was not asked of for longest goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A price where there are edits of bins, or why where there is a pair.

    Alternatives where there are members of a bin.

    ``order`` comes with it when the process said that it does not have the proposal.
    ``seconds`` is when an answer comes too late, ``search`` how long a better plan or
    bound may be looked for before.
    """

    key: str
    seconds: float = 0.0
    search: float = math.inf
    order: Order | None = None
    standing: tuple[Ruling, ...] = ()
    bins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    used: tuple[str, ...] = ()
    pair: tuple[str, str] | None = None
    members: tuple[str, ...] = ()
