"""What a verification finds, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it was written.

    ``place`` is the table and key, or the checkpoint; ``seq`` the record of the trail
    it concerns, None where there is none.
    """

    place: str
    sentence: str
    seq: int | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The number and hash of the last record at a moment, signed and kept elsewhere."""

    size: int
    hash: str
    at: str
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What became of a verification.

    ``covered`` is the last record that a checkpoint vouches for: what comes after it
    could be cut off or written anew without a trace here. ``steps_back`` are records
    whose clock was behind the one before; their order is that of their numbers.
    ``rows`` is how many rows of the recorded tables were held against their records.
    """

    records: int
    head: str
    findings: tuple[Finding, ...]
    checkpoints: int
    covered: int
    steps_back: tuple[int, ...]
    rows: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
