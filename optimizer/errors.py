"""What can go wrong in the core, as a small tree.

::

    OptimizerError
    ├── RulingsContradict   rulings that cannot all be obeyed, or name unknown requests
    ├── NoPlan              rules and limits that leave no partition at all
    ├── FiguresTooLarge     figures beyond exact 64-bit arithmetic
    ├── BadEdit             changes by hand that make no sense, each by its place
    └── ProofFailed         a proposal that did not pass its own verification: a bug

Each message is one or more full sentences that name the offending values.
"""

from dataclasses import dataclass


class OptimizerError(Exception):
    """Base of every error the core raises on purpose."""


class RulingsContradict(OptimizerError):
    """Rulings contradict each other or name requests that are not in the batch.

    ``faults`` holds one sentence for each contradiction; change the rulings.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


class NoPlan(OptimizerError):
    """No partition obeys the limits; the message names the rule and the requests."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


class FiguresTooLarge(OptimizerError):
    """A cost would not fit exact 64-bit arithmetic; lower the rates named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditFault:
    """What is wrong with an edit, in a sentence, and the edit's place in its list."""

    index: int
    text: str


class BadEdit(OptimizerError):
    """Edits name what is not there, or change nothing.

    ``faults`` holds a sentence for each; nothing was applied.
    """

    def __init__(self, faults: tuple[EditFault, ...]) -> None:
        super().__init__(" ".join(fault.text for fault in faults))
        self.faults = faults


class ProofFailed(OptimizerError):
    """A proposal failed its independent verification: nothing of it may be used."""
