"""Records to requests: every field of a row read, every fault of it named."""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from app.catalogue import CustomerCodes
from app.errors import FaultCode, quoted
from app.intake.records import Record, Trouble
from app.intake.values import (
    Memo,
    Wrong,
    parse_agency,
    parse_cents,
    parse_count,
    parse_customer,
    parse_customers,
    parse_date,
    parse_document,
    parse_label,
    parse_mde_cents,
    parse_priority,
    parse_region,
    parse_request_id,
    parse_system,
    parse_yes_no,
    shows_nothing,
    wrong_text,
)
from optimizer.batch import Agency, Document, Precedent, Priority, Request
from optimizer.catalogue import Customer, System

_SAME: Final[dict[tuple[str, ...], tuple[str, ...]]] = {}
"""Which fields were filled by a default: a few tuples, not one for every request."""

_INVISIBLE: Final = Wrong(
    FaultCode.INVISIBLE, "holds invisible characters alone; leave it blank"
)


class RowReader:
    """Reads requests; remembers the names, days and words it has seen before."""

    def __init__(self, codes: CustomerCodes | None) -> None:
        self._request_id = _needed(parse_request_id)
        self._customer = Memo(_needed(lambda text: parse_customer(text, codes)))
        self._system = Memo(_needed(parse_system))
        self._received_on = Memo(_needed(parse_date))
        self._cents = Memo(_needed(parse_cents))
        self._needed_by = Memo(_wanted(parse_date))

        self._mde_cents = Memo(_wanted(parse_mde_cents))
        self._label = Memo(_wanted(parse_label))
        self._count = Memo(_wanted(parse_count))
        self._priority = Memo(_wanted(parse_priority))
        self._agency = Memo(_wanted(parse_agency))
        self._region = Memo(_wanted(parse_region))
        self._yes_no = Memo(_wanted(parse_yes_no))
        self._document = Memo(_wanted(parse_document))
        self._customers = Memo(_wanted(lambda text: parse_customers(text, codes)))

    def read(self, record: Record) -> tuple[Request | None, list[Trouble]]:
        """Return the request of a record, or None and every trouble of it."""
        cells = record.cells
        judge = _Judge(record.number)
        judge.troubles.extend(record.troubles)
        needed = judge.required
        request_id = needed("request_id", cells[0], self._request_id)
        customer = needed("customer", cells[1], self._customer.__getitem__)
        system = needed("system", cells[2], self._system.__getitem__)
        received_on = needed("received_on", cells[3], self._received_on.__getitem__)
        value_cents = needed("value_usd", cells[4], self._cents.__getitem__)
        wanted = judge.optional
        configuration = wanted("configuration", cells[5], self._label)
        quantity = wanted("quantity", cells[6], self._count)
        lines = wanted("lines", cells[7], self._count)
        mde_cents = wanted("mde_value_usd", cells[8], self._mde_cents)
        needed_by = wanted("needed_by", cells[9], self._needed_by)
        priority = wanted("priority", cells[10], self._priority)
        agency = wanted("implementing_agency", cells[11], self._agency)
        region = wanted("region", cells[12], self._region)
        force = wanted("force", cells[13], self._label)
        technology_review = wanted("technology_review", cells[14], self._yes_no)
        monitoring = wanted("end_use_monitoring", cells[15], self._yes_no)
        document = wanted("document", cells[16], self._document)
        keep_apart = wanted("keep_apart_from", cells[17], self._customers)
        remarks = judge.remarks(cells[18])
        if record.extra:
            judge.extra(record.extra)
        judge.order(received_on, needed_by, cells)
        judge.share(value_cents, mde_cents, cells)
        if judge.troubles:
            return None, judge.troubles
        return _request(
            request_id,
            customer,
            system,
            received_on,
            value_cents,
            configuration=configuration,
            quantity=quantity,
            lines=lines,
            mde_cents=mde_cents,
            needed_by=needed_by,
            priority=priority,
            agency=agency,
            region=region,
            force=force,
            technology_review=technology_review,
            monitoring=monitoring,
            document=document,
            keep_apart=keep_apart,
            remarks=remarks,
            extra=record.extra,
        ), judge.troubles


class PrecedentReader:
    """Reads precedents: customer, system and approved_on, each as in a request (R5)."""

    def __init__(self, codes: CustomerCodes | None) -> None:
        self._customer = _needed(lambda text: parse_customer(text, codes))
        self._system = _needed(parse_system)
        self._approved_on = _needed(parse_date)

    def read(self, record: Record) -> tuple[Precedent | None, list[Trouble]]:
        """Return the precedent of a record, or None and every trouble of it."""
        judge = _Judge(record.number)
        judge.troubles.extend(record.troubles)
        cells = record.cells
        customer = judge.required("customer", cells[0], self._customer)
        system = judge.required("system", cells[1], self._system)
        approved_on = judge.required("approved_on", cells[2], self._approved_on)
        if judge.troubles or customer is None or system is None or approved_on is None:
            return None, judge.troubles
        precedent = Precedent(
            customer=customer.code, system=system.family, approved_on=approved_on
        )
        return precedent, judge.troubles


def _needed[Value](
    parse: Callable[[str], Value | Wrong],
) -> Callable[[str], Value | Wrong]:
    """Return the parser of a required cell: nothing visible in it is a fault (T5)."""
    empty = Wrong(FaultCode.MISSING_VALUE, "is empty and required")
    return lambda text: empty if shows_nothing(text) else parse(text)


def _wanted[Value](
    parse: Callable[[str], Value | Wrong],
) -> Callable[[str], Value | Wrong | None]:
    """Return the parser of an optional cell: plain spaces alone are a blank (T5)."""

    def parse_or_blank(text: str) -> Value | Wrong | None:
        if not shows_nothing(text):
            return parse(text)
        return wrong_text(text) or _INVISIBLE if text.strip(" ") else None

    return parse_or_blank


class _Judge:
    """Gathers the troubles of one row."""

    __slots__ = ("number", "troubles")

    def __init__(self, number: int) -> None:
        self.number = number
        self.troubles: list[Trouble] = []

    def trouble(self, column: str, wrong: Wrong, value: str | None) -> None:
        """Note what is wrong with a cell."""
        self.troubles.append(
            Trouble(
                code=wrong.code,
                message=f"{column} {wrong.message}.",
                row=self.number,
                column=column,
                value=value,
            )
        )

    def required[Value](
        self, column: str, text: str | None, parse: Callable[[str], Value | Wrong]
    ) -> Value | None:
        """Return the value of a required cell, None where there is no good one."""
        if text is None:
            return None
        value = parse(text)
        if isinstance(value, Wrong):
            self.trouble(column, value, text)
            return None
        return value

    def optional[Value](
        self, column: str, text: str | None, memo: Memo[Value | Wrong | None]
    ) -> Value | None:
        """Return the value of an optional cell, None where it is blank or not good."""
        if not text:
            return None
        value = memo[text]
        if isinstance(value, Wrong):
            self.trouble(column, value, text)
            return None
        return value

    def remarks(self, text: str | None) -> str:
        """Return the remarks, as typed."""
        if not text:
            return ""
        wrong = wrong_text(text, free=True)
        if wrong is None and shows_nothing(text):
            if not text.strip(" "):
                return ""
            wrong = _INVISIBLE
        if wrong is not None:
            self.trouble("remarks", wrong, text)
        return text

    def extra(self, extra: tuple[tuple[str, str], ...]) -> None:
        """Look at columns that are kept: they are text within the limits, no more."""
        for name, text in extra:
            wrong = wrong_text(text, free=True)
            if wrong is not None:
                self.trouble(name, wrong, text)

    def order(
        self, received_on: date | None, needed_by: date | None, cells: Any
    ) -> None:
        """Refuse a needed_by before received_on (D2)."""
        if received_on is None or needed_by is None or needed_by >= received_on:
            return
        message = f"is {needed_by}, before received_on, {received_on}"
        self.trouble("needed_by", Wrong(FaultCode.DATE_ORDER, message), cells[9])

    def share(self, value: int | None, mde: int | None, cells: Any) -> None:
        """Refuse an mde_value_usd above value_usd (N3)."""
        if value is None or mde is None or mde <= value:
            return
        message = f"is {quoted(cells[8])}, above value_usd, {quoted(cells[4])}"
        self.trouble("mde_value_usd", Wrong(FaultCode.AMOUNT, message), cells[8])


def _request(
    request_id: str | None,
    customer: Customer | None,
    system: System | None,
    received_on: date | None,
    value_cents: int | None,
    *,
    configuration: str | None,
    quantity: int | None,
    lines: int | None,
    mde_cents: int | None,
    needed_by: date | None,
    priority: Priority | None,
    agency: Agency | None,
    region: str | None,
    force: str | None,
    technology_review: bool | None,
    monitoring: bool | None,
    document: Document | None,
    keep_apart: tuple[str, ...] | None,
    remarks: str,
    extra: tuple[tuple[str, str], ...],
) -> Request | None:
    if (
        request_id is None
        or customer is None
        or system is None
        or received_on is None
        or value_cents is None
    ):
        return None  # the header lacks a column, and says so itself
    defaulted: tuple[str, ...] = ()
    if configuration is None:
        configuration = system.family
        defaulted += ("configuration",)
    if mde_cents is None:
        mde_cents = value_cents
        defaulted += ("mde_value_usd",)
    if agency is None:
        agency = Agency(system.implementing_agency)
        defaulted += ("implementing_agency",)
    if region is None:
        region = customer.planning_region
        defaulted += ("region",)
    return Request(
        request_id=request_id,
        customer=customer.code,
        system=system.family,
        received_on=received_on,
        value_cents=value_cents,
        configuration=configuration,
        region=region,
        implementing_agency=agency,
        mde_value_cents=mde_cents,
        quantity=quantity,
        lines=1 if lines is None else lines,
        needed_by=needed_by,
        priority=priority or Priority.ROUTINE,
        force=force,
        technology_review=True if technology_review is None else technology_review,
        end_use_monitoring=bool(monitoring),
        document=document or Document.LOA,
        keep_apart_from=keep_apart or (),
        remarks=remarks,
        defaulted=_SAME.setdefault(defaulted, defaulted),
        extra=extra,
    )
