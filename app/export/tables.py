"""The tables that bins.csv and proposal.xlsx are made of.

A table is columns and an iterable of rows of plain values; each writer turns the
values into its own kind of cell.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from optimizer.batch import Batch
from optimizer.catalogue import Catalogue

type Document = Mapping[str, Any]
"""proposal.json as plain values."""
type Value = str | int | float | Decimal | date | None


class Kind(StrEnum):
    """What a column holds, hence how its cells are shown."""

    TEXT = "text"
    EDIT = "edit"  # text that a reader may change and send back
    LONG = "long"  # text of a sentence or more
    DAYS = "days"  # staff-days
    MONEY = "money"  # US dollars
    COUNT = "count"
    SHARE = "share"  # a fraction, shown in percent
    DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. ``total`` says that its sum over the rows means something."""

    name: str
    kind: Kind = Kind.TEXT
    total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A named table; ``rows`` may be read once."""

    name: str
    columns: tuple[Column, ...]
    rows: Iterable[Sequence[Value]]


def column(name: str, kind: Kind = Kind.TEXT, *, total: bool = False) -> Column:
    """Return a column, in one short line."""
    return Column(name=name, kind=kind, total=total)


def dollars(cents: int) -> Decimal:
    """Return an amount of cents in dollars, exactly, without needless places."""
    whole, rest = divmod(cents, 100)
    return Decimal(whole) if rest == 0 else Decimal(cents).scaleb(-2)


def sentences(items: Iterable[Mapping[str, Any]]) -> str:
    """Join coded sentences (warnings, reasons) into one text."""
    return " | ".join(f"{item['code']}: {item['text']}" for item in items)


def warnings_of(bin_: Document, request_id: str) -> list[Mapping[str, Any]]:
    """Return the warnings of a bin that concern a request."""
    return [
        warning
        for warning in bin_["warnings"]
        if not warning["request_ids"] or request_id in warning["request_ids"]
    ]


_REQUEST_COLUMNS = (
    column("bin_id"),
    column("request_id"),
    column("customer"),
    column("customer_name"),
    column("system"),
    column("configuration"),
    column("region"),
    column("implementing_agency"),
    column("category"),
    column("received_on", Kind.DATE),
    column("starts_on", Kind.DATE),
    column("wait_days", Kind.COUNT, total=True),
    column("forecast_on", Kind.DATE),
    column("solo_forecast_on", Kind.DATE),
    column("days_gained", Kind.COUNT, total=True),
    column("value_usd", Kind.MONEY, total=True),
    column("bin_effort_days", Kind.DAYS),
    column("bin_solo_effort_days", Kind.DAYS),
    column("bin_saved_effort_days", Kind.DAYS),
    column("bin_wait_cost", Kind.DAYS),
    column("alone_because", Kind.LONG),
    column("warnings", Kind.LONG),
)


def requests_table(document: Document, batch: Batch, catalogue: Catalogue) -> Table:
    """Return one row for each request, bin by bin, with the columns kept as sent."""
    extras: Mapping[str, Mapping[str, str]] = document.get("extra_columns", {})
    kept = _kept_names(extras)
    return Table(
        name="Requests",
        columns=(*_REQUEST_COLUMNS, *(column(name) for name in kept.values())),
        rows=_request_rows(document, batch, catalogue, extras, tuple(kept)),
    )


def _request_rows(
    document: Document,
    batch: Batch,
    catalogue: Catalogue,
    extras: Mapping[str, Mapping[str, str]],
    kept: tuple[str, ...],
) -> Iterator[tuple[Value, ...]]:
    for bin_ in document["bins"]:
        for request_id in bin_["request_ids"]:
            request = batch[request_id]
            extra = extras.get(request_id, {})
            yield (
                bin_["bin_id"],
                request_id,
                request.customer,
                catalogue.customers[request.customer].name,
                request.system,
                request.configuration,
                request.region,
                str(request.implementing_agency),
                bin_["category"],
                request.received_on,
                date.fromisoformat(bin_["starts_on"]),
                bin_["wait_days"][request_id],
                date.fromisoformat(bin_["forecast_on"]),
                date.fromisoformat(bin_["solo_forecast_on"][request_id]),
                bin_["days_gained"][request_id],
                dollars(request.value_cents),
                bin_["effort_days"],
                bin_["solo_effort_days"],
                bin_["saved_effort_days"],
                bin_["wait_cost"],
                sentences(bin_.get("alone_because", ())),
                sentences(warnings_of(bin_, request_id)),
                *(extra.get(name, "") for name in kept),
            )


def _kept_names(extras: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Map each kept column to its header, in order met, no header twice."""
    taken = {own.name.casefold() for own in _REQUEST_COLUMNS}
    names: dict[str, str] = {}
    for values in extras.values():
        for name in values:
            if name in names:
                continue
            header = name
            while header.casefold() in taken:
                header += " (as sent)"
            taken.add(header.casefold())
            names[name] = header
    return names


def bins_table(document: Document, batch: Batch) -> Table:
    """Return one row for each bin."""
    return Table(
        name="Bins",
        columns=(
            column("bin_id"),
            column("requests", Kind.COUNT, total=True),
            column("request_ids", Kind.LONG),
            column("category"),
            column("customers"),
            column("systems"),
            column("regions"),
            column("starts_on", Kind.DATE),
            column("forecast_on", Kind.DATE),
            column("longest_wait_days", Kind.COUNT),
            column("value_usd", Kind.MONEY, total=True),
            column("effort_days", Kind.DAYS, total=True),
            column("effort_days_low", Kind.DAYS, total=True),
            column("effort_days_high", Kind.DAYS, total=True),
            column("solo_effort_days", Kind.DAYS, total=True),
            column("saved_effort_days", Kind.DAYS, total=True),
            column("saved_effort_days_low", Kind.DAYS, total=True),
            column("saved_effort_days_high", Kind.DAYS, total=True),
            column("wait_cost", Kind.DAYS, total=True),
            column("fair_share", Kind.LONG),
            column("joint_case", Kind.LONG),
            column("warnings", Kind.LONG),
            column("accepted_before"),
        ),
        rows=(_bin_row(bin_, batch) for bin_ in document["bins"]),
    )


def _bin_row(bin_: Document, batch: Batch) -> tuple[Value, ...]:
    joint = bin_["joint_case"]
    return (
        bin_["bin_id"],
        len(bin_["request_ids"]),
        ", ".join(bin_["request_ids"]),
        bin_["category"],
        ", ".join(bin_["customers"]),
        ", ".join(bin_["systems"]),
        ", ".join(bin_["regions"]),
        date.fromisoformat(bin_["starts_on"]),
        date.fromisoformat(bin_["forecast_on"]),
        max(bin_["wait_days"].values()),
        dollars(sum(batch[r].value_cents for r in bin_["request_ids"])),
        bin_["effort_days"],
        bin_["effort_days_low"],
        bin_["effort_days_high"],
        bin_["solo_effort_days"],
        bin_["saved_effort_days"],
        bin_["saved_effort_days_low"],
        bin_["saved_effort_days_high"],
        bin_["wait_cost"],
        ", ".join(f"{who} {days}" for who, days in bin_["fair_share"].items()),
        "" if joint is None else joint["text"],
        sentences(bin_["warnings"]),
        "yes" if bin_["fixed"] else "",
    )


def alone_table(document: Document, batch: Batch) -> Table:
    """Return one row for each reason that a request is reviewed alone."""
    return Table(
        name="Alone and why",
        columns=(
            column("bin_id"),
            column("request_id"),
            column("customer"),
            column("system"),
            column("received_on", Kind.DATE),
            column("code"),
            column("because", Kind.LONG),
            column("nearest", Kind.LONG),
        ),
        rows=(
            (
                bin_["bin_id"],
                request.request_id,
                request.customer,
                request.system,
                request.received_on,
                reason["code"],
                reason["text"],
                ", ".join(reason["with"]),
            )
            for bin_ in document["bins"]
            for reason in bin_.get("alone_because", ())
            for request in (batch[bin_["request_ids"][0]],)
        ),
    )


def warnings_table(document: Document) -> Table:
    """Return one row for each warning of each bin."""
    return Table(
        name="Warnings",
        columns=(
            column("bin_id"),
            column("code"),
            column("warning", Kind.LONG),
            column("request_ids", Kind.LONG),
        ),
        rows=(
            (
                bin_["bin_id"],
                warning["code"],
                warning["text"],
                ", ".join(warning["request_ids"]),
            )
            for bin_ in document["bins"]
            for warning in bin_["warnings"]
        ),
    )


def fragmentation_table(document: Document) -> Table:
    """Return one row for each customer's purchase split below a threshold."""
    return Table(
        name="Fragmentation",
        columns=(
            column("customer"),
            column("system"),
            column("request_ids", Kind.LONG),
            column("value_usd", Kind.MONEY),
            column("mde_value_usd", Kind.MONEY),
            column("threshold_id"),
            column("finding", Kind.LONG),
        ),
        rows=(
            (
                found["customer"],
                found["system"],
                ", ".join(found["request_ids"]),
                found["value_usd"],
                found["mde_value_usd"],
                found["threshold_id"],
                found["text"],
            )
            for found in document["fragmentation"]
        ),
    )
