"""Requests and precedents: the records a batch is made of (model.md section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property


class Priority(StrEnum):
    """How urgent a request is; sets its waiting cost and its longest wait."""

    ROUTINE = "routine"
    PRIORITY = "priority"
    URGENT = "urgent"


class Agency(StrEnum):
    """Implementing agency: the military department that writes the case."""

    ARMY = "army"
    NAVY = "navy"
    AIR_FORCE = "air_force"
    OTHER = "other"


class Document(StrEnum):
    """What the customer asks for: an offer, or price and availability data."""

    LOA = "LOA"
    P_AND_A = "P&A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One Letter of Request (LOR), every field resolved.

    ``customer`` is an ISO 3166 alpha-3 code of the catalogue, ``system`` a family of
    the catalogue. Amounts are whole cents of a US dollar. ``received_on`` is the day
    the request was, or is expected to be, actionable (t_r).
    """

    request_id: str
    customer: str
    system: str
    received_on: date
    value_cents: int
    configuration: str  # the family itself where the request names none
    region: str
    implementing_agency: Agency
    mde_value_cents: int
    quantity: int | None = None
    lines: int = 1
    needed_by: date | None = None
    priority: Priority = Priority.ROUTINE
    force: str | None = None
    technology_review: bool = True
    end_use_monitoring: bool = False
    document: Document = Document.LOA
    keep_apart_from: tuple[str, ...] = ()  # customers, sorted
    remarks: str = ""
    defaulted: tuple[str, ...] = ()
    """Names of fields that were blank and filled by a default, in field order."""
    extra: tuple[tuple[str, str], ...] = ()
    """Columns kept as they came: they change no result."""

    def __post_init__(self) -> None:
        if self.value_cents <= 0:
            raise ValueError(f"{self.request_id}: value_usd must be above 0.")
        if not 0 <= self.mde_value_cents <= self.value_cents:
            raise ValueError(
                f"{self.request_id}: mde_value_usd must be from 0 to value_usd."
            )
        if self.lines < 1:
            raise ValueError(f"{self.request_id}: lines must be at least 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """An earlier approved case of one customer for one system family."""

    customer: str
    system: str
    approved_on: date


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The requests of one proposal, in canonical order: (received_on, request_id).

    The order requests arrive in never matters: the constructor sorts them.

    Raises
    ------
    ValueError
        When two requests carry the same id.
    """

    requests: tuple[Request, ...]
    precedents: tuple[Precedent, ...] = ()
    _index: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = tuple(
            sorted(self.requests, key=lambda r: (r.received_on, r.request_id))
        )
        object.__setattr__(self, "requests", ordered)
        known = sorted(
            set(self.precedents), key=lambda p: (p.customer, p.system, p.approved_on)
        )
        object.__setattr__(self, "precedents", tuple(known))
        index = {request.request_id: i for i, request in enumerate(ordered)}
        if len(index) != len(ordered):
            raise ValueError("Two requests of the batch have the same request_id.")
        object.__setattr__(self, "_index", index)

    def __len__(self) -> int:
        return len(self.requests)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._index

    def __getitem__(self, request_id: str) -> Request:
        return self.requests[self._index[request_id]]

    def position(self, request_id: str) -> int:
        """Return the place of a request in canonical order."""
        return self._index[request_id]

    @cached_property
    def approvals(self) -> Mapping[tuple[str, str], tuple[date, ...]]:
        """Approval days of precedents by (customer, system), ascending."""
        days: dict[tuple[str, str], list[date]] = {}
        for precedent in self.precedents:
            key = (precedent.customer, precedent.system)
            days.setdefault(key, []).append(precedent.approved_on)
        return {key: tuple(found) for key, found in days.items()}
