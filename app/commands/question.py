"""From files and options to one problem to solve, with the hashes of what was read."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.catalogue import CustomerCodes, load_catalogue
from app.errors import Fault, FaultCode, InputRefused, WrongUsage, quoted
from app.export.document import InputHashes
from app.intake import (
    Intake,
    precedents_sha256,
    read_precedents,
    read_requests,
    read_rulings,
    requests_sha256,
    rulings_sha256,
)
from app.policies import read_policy
from optimizer.batch import Batch
from optimizer.errors import RulingsContradict
from optimizer.problem import Problem
from optimizer.rulings import Rulings, settle

if TYPE_CHECKING:
    from optimizer.policy import Policy

STANDARD_INPUT = "-"
_CLOCK = "SOURCE_DATE_EPOCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a command was told to read, and how."""

    requests: tuple[str, ...]
    precedents: str | None = None
    rulings: str | None = None
    customer_codes: CustomerCodes | None = None
    keep_extra_columns: bool = False
    on_error: Literal["refuse", "skip"] = "refuse"

    @property
    def given(self) -> tuple[str, ...]:
        """Every file that is read."""
        others = (self.precedents, self.rulings)
        return (*self.requests, *(path for path in others if path is not None))

    def paths(self, *others: str) -> tuple[Path, ...]:
        """Return the files read, which no output may replace."""
        given = (*self.given, *others)
        return tuple(Path(path) for path in given if path != STANDARD_INPUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read: a batch, its rulings and their hashes."""

    intake: Intake
    batch: Batch
    rulings: Rulings
    hashes: InputHashes

    def problem(self, policy: "Policy", as_of: date) -> Problem:
        """Return the problem this is under a policy, on a day."""
        return Problem(
            batch=self.batch,
            policy=policy,
            catalogue=load_catalogue(),
            as_of=as_of,
            rulings=self.rulings,
        )


def read(files: Files, told: Callable[[int], None] = lambda _: None) -> Read:
    """Read requests, precedents and rulings; ``told`` hears now and then of how many.

    Raises ``InputRefused`` with every fault of the files, or of the rulings.
    """
    if files.given.count(STANDARD_INPUT) > 1:
        raise WrongUsage("Standard input (-) can be read once only.")
    intake = read_requests(
        files.requests,
        customer_codes=files.customer_codes,
        keep_extra_columns=files.keep_extra_columns,
        on_error=files.on_error,
        told=told,
    )
    precedents = (
        None
        if files.precedents is None
        else read_precedents(files.precedents, customer_codes=files.customer_codes)
    )
    given = None if files.rulings is None else read_rulings(files.rulings)
    batch = Batch(requests=intake.requests, precedents=precedents or ())
    try:
        rulings = settle(given or (), batch)
    except RulingsContradict as refused:
        label = files.rulings or ""
        raise InputRefused(
            [
                Fault(file=label, code=FaultCode.CONTRADICTION, message=message)
                for message in refused.faults
            ]
        ) from None
    return Read(
        intake=intake,
        batch=batch,
        rulings=rulings,
        hashes=InputHashes(
            requests=requests_sha256(intake.requests),
            precedents=None if precedents is None else precedents_sha256(precedents),
            rulings=None if given is None else rulings_sha256(given),
        ),
    )


def read_policies(names: Sequence[str]) -> list["Policy"]:
    """Read policies by name or path, all faults of all in one refusal."""
    found: list[Policy] = []
    faults: list[Fault] = []
    for name in names:
        try:
            found.append(read_policy(name))
        except InputRefused as refused:
            faults += refused.faults
    if faults:
        raise InputRefused(faults)
    return found


def now() -> datetime:
    """Return the time, or the one that SOURCE_DATE_EPOCH stops the clock at."""
    stopped = os.environ.get(_CLOCK)
    if not stopped:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(stopped), UTC)
    except (ValueError, OverflowError, OSError):
        raise WrongUsage(
            f"{_CLOCK} is {quoted(stopped)}; it is a whole number of seconds "
            "since 1970-01-01."
        ) from None


def clock_is_stopped() -> bool:
    """Tell whether SOURCE_DATE_EPOCH asks for output that does not tell the time."""
    return bool(os.environ.get(_CLOCK))
