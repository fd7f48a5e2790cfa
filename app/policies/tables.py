"""The tables of a policy, read key by key; every fault is gathered, none is raised.

A reader returns a harmless stand-in where a value is faulty, so that reading goes on;
a policy with any fault is never used.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from app.catalogue import (
    SELLER,
    NameUnknown,
    customer_flags,
    load_catalogue,
    nearest,
    resolve_customer,
)
from app.errors import Fault, FaultCode, quoted, safe_text
from optimizer.batch import Priority
from optimizer.policy import (
    NOTIFICATION_CLOCK,
    AgencyRule,
    Category,
    CoordinationRates,
    EffortCase,
    Limits,
    Pairing,
    Policy,
    RegionRule,
    Stage,
    SystemRule,
    Trigger,
    Unit,
)

MAX_RATE: Final = 1_000_000
MAX_DAYS: Final = 1_000_000
"""Bound on days, one by one and summed over stages: dates stay within the calendar."""
MAX_YEARS: Final = 1_000
MAX_COUNT: Final = 1_000_000_000
MAX_VALUE: Final = 10**15
_DISCOUNT_PLACES: Final = 9

_SUFFIX: Final = {EffortCase.LOW: "_low", EffortCase.HIGH: "_high"}
_MISSING: Final = object()


class Table:
    """One table of a policy, with its place in the file and a shared list of faults."""

    def __init__(
        self,
        values: Mapping[str, Any],
        label: str,
        path: str = "",
        faults: list[Fault] | None = None,
        *,
        absent: bool = False,
    ) -> None:
        self.values = values
        self.label = label
        self.path = path
        self.absent = absent  # already noted as missing: its keys need no fault each
        self.faults: list[Fault] = [] if faults is None else faults

    def fault(self, key: str, code: FaultCode, message: str, value: Any = None) -> None:
        """Note a fault of a key; the message names the key by its whole path."""
        self.faults.append(
            Fault(
                file=self.label,
                column=self.name(key) or None,
                code=code,
                message=message,
                value=None if value is None else str(_shown(value)),
            )
        )

    def name(self, key: str) -> str:
        """Return the whole path of a key, as in ``pairing.window_days``."""
        path = f"{self.path}.{key}" if self.path and key else self.path or key
        return safe_text(path, 120)

    def only(self, known: Iterable[str]) -> None:
        """Refuse every key that is not one of the known."""
        known = tuple(known)
        for key in self.values:
            if key not in known:
                near = nearest(key, known)[0]
                message = f"{self.name(key)} is not a key here; nearest: {near}."
                self.fault(key, FaultCode.UNKNOWN_KEY, message)

    def take(self, key: str, default: Any = _MISSING) -> Any:
        """Return a value; a missing one without default is a fault, and None."""
        if key in self.values:
            return self.values[key]
        if default is _MISSING and not self.absent:
            self.fault(key, FaultCode.MISSING_KEY, f"{self.name(key)} is missing.")
        return None if default is _MISSING else default

    def table(self, key: str, *, required: bool = True) -> "Table":
        """Return a table within this one; an empty one where it is faulty."""
        value = self.take(key) if required else self.take(key, {})
        if value is not None and not isinstance(value, dict):
            message = f"{self.name(key)} must be a table, not {_shown(value)}."
            self.fault(key, FaultCode.TYPE, message, value)
        inner = value if isinstance(value, dict) else {}
        return Table(
            inner,
            self.label,
            self.name(key),
            self.faults,
            absent=self.absent or (required and key not in self.values),
        )

    def tables(self, key: str) -> list["Table"]:
        """Return the tables of a list of tables."""
        value = self.take(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            message = f"{self.name(key)} must be a list of tables."
            self.fault(key, FaultCode.TYPE, message, value)
            return []
        return [
            Table(inner, self.label, f"{self.name(key)}[{number}]", self.faults)
            for number, inner in enumerate(value, start=1)
        ]

    def text(self, key: str, default: Any = _MISSING) -> str:
        """Return a text in which something is visible and nothing is hidden."""
        value = self.take(key, default)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            message = (
                f"{self.name(key)} must be a text of visible characters, "
                f"not {_shown(value)}."
            )
            self.fault(key, FaultCode.TYPE, message, value)
            return ""
        return value.strip()

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            message = f"{self.name(key)} must be true or false, not {_shown(value)}."
            self.fault(key, FaultCode.TYPE, message, value)
            return default
        return value

    def whole(
        self, key: str, default: Any = _MISSING, *, low: int = 0, high: int
    ) -> int:
        """Return a whole number from low to high."""
        value = self.take(key, default)
        if value is None:
            return low
        if type(value) is not int or not low <= value <= high:
            message = (
                f"{self.name(key)} must be a whole number from {low} to {high:,}, "
                f"not {_shown(value)}."
            )
            self.fault(key, FaultCode.WHOLE_NUMBER, message, value)
            return low
        return value

    def scaled(
        self,
        key: str,
        default: Any = _MISSING,
        *,
        places: int,
        high: int,
        above_zero: bool = False,
    ) -> int:
        """Return a decimal number from 0 to high, exactly, times 10 to the places."""
        value = self.take(key, default)
        if value is None:
            return 1
        scaled = _scaled(value, places, high)
        if scaled is None or (above_zero and scaled == 0):
            message = (
                f"{self.name(key)} must be a number "
                f"{'above 0 and at most' if above_zero else 'from 0 to'} {high:,} "
                f"with at most {places} decimals, not {_shown(value)}."
            )
            self.fault(key, FaultCode.RATE, message, value)
            return 1
        return scaled

    def choice(self, key: str, allowed: Iterable[str]) -> str:
        """Return one of the allowed words; the first where it is faulty."""
        allowed = tuple(str(word) for word in allowed)
        value = self.take(key)
        if value is None:
            return allowed[0]
        if not isinstance(value, str) or value not in allowed:
            near = (
                f"; nearest: {nearest(value, allowed)[0]}"
                if isinstance(value, str)
                else ""
            )
            message = (
                f"{self.name(key)} must be one of {', '.join(allowed)}, "
                f"not {_shown(value)}{near}."
            )
            self.fault(key, FaultCode.CHOICE, message, value)
            return allowed[0]
        return value

    def words(self, key: str) -> list[str]:
        """Return a list of texts; empty where it is absent."""
        value = self.take(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            message = f"{self.name(key)} must be a list of texts."
            self.fault(key, FaultCode.TYPE, message, value)
            return []
        return value


def read_policy_table(top: Table) -> Policy | None:
    """Read a whole policy; None, with faults noted in ``top``, when it is faulty."""
    top.only(
        (
            "name",
            "title",
            "precedent_years",
            "keep_apart",
            "category",
            "pairing",
            "limits",
            "wait_cost",
            "coordination",
            "stage",
        )
    )
    name = top.text("name")
    coordination = top.table("coordination", required=False)
    limits = top.table("limits")
    limits.only(("max_requests", "max_customers", "max_value_usd"))
    wait_cost = top.table("wait_cost")
    wait_cost.only(Priority)
    policy = Policy(
        name=name,
        title=top.text("title", name or "policy"),
        precedent_years=top.whole("precedent_years", 10, high=MAX_YEARS),
        keep_apart=_keep_apart(top),
        categories=_categories(top),
        pairing=_pairing(top.table("pairing")),
        limits=Limits(
            max_requests=limits.whole("max_requests", low=1, high=MAX_COUNT),
            max_customers=limits.whole("max_customers", low=1, high=MAX_COUNT),
            max_value_cents=limits.scaled(
                "max_value_usd", places=2, high=MAX_VALUE, above_zero=True
            ),
        ),
        wait_cost={
            priority: wait_cost.scaled(priority, places=3, high=MAX_RATE)
            for priority in Priority
        },
        coordination=_coordination(coordination),
        coordination_elapsed_days=coordination.whole("elapsed_days", 0, high=MAX_DAYS),
        stages=_stages(top),
    )
    if top.faults:
        return None
    days = [stage.elapsed_days for stage in policy.stages]
    total = policy.coordination_elapsed_days + sum(
        count for count in days if isinstance(count, int)
    )
    if total > MAX_DAYS:
        message = f"All elapsed_days together are {total:,}, above {MAX_DAYS:,}."
        top.fault("", FaultCode.WHOLE_NUMBER, message)
    return policy


def _keep_apart(top: Table) -> tuple[tuple[str, str], ...]:
    value = top.take("keep_apart", [])
    pairs: set[tuple[str, str]] = set()
    if not isinstance(value, list):
        message = f"keep_apart must be a list of pairs, not {_shown(value)}."
        top.fault("keep_apart", FaultCode.TYPE, message, value)
        return ()
    for pair in value:
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or not all(isinstance(code, str) for code in pair)
        ):
            message = f"keep_apart holds pairs of customers, not {_shown(pair)}."
            top.fault("keep_apart", FaultCode.TYPE, message, pair)
            continue
        known = [_known_customer(top, "keep_apart", code) for code in pair]
        if all(known) and pair[0] == pair[1]:
            message = f"keep_apart names {pair[0]} twice in one pair."
            top.fault("keep_apart", FaultCode.CONTRADICTION, message, pair)
        pairs.add((min(pair), max(pair)))
    return tuple(sorted(pairs))


def _known_customer(table: Table, key: str, code: str) -> bool:
    if code in load_catalogue().customers:
        return True
    found = resolve_customer(code)
    if not isinstance(found, NameUnknown):
        reason = f"write {found.code}"
    elif code == SELLER or not found.nearest:
        reason = "the seller is never a customer"
    else:
        likely = [resolve_customer(name, "iso") for name in found.nearest]
        codes = [c.code for c in likely if not isinstance(c, NameUnknown)]
        reason = f"nearest: {', '.join(dict.fromkeys(codes))}"
    message = (
        f"{table.name(key)} names {quoted(code)}, which is not a three-letter customer "
        f"code of the country table; {reason}."
    )
    table.fault(key, FaultCode.CUSTOMER, message, code)
    return False


def _categories(top: Table) -> tuple[Category, ...]:
    categories = []
    seen: set[str] = set()
    for table in top.tables("category"):
        table.only(("name", "all_of", "include", "exclude"))
        name = table.text("name")
        if name and name in seen:
            message = f"Two categories are named {quoted(name)}."
            table.fault("name", FaultCode.REPEATED_KEY, message, name)
        seen.add(name)
        all_of = table.words("all_of")
        for flag in all_of:
            if flag not in customer_flags():
                near = nearest(flag, sorted(customer_flags()))[0]
                message = (
                    f"{table.name('all_of')} names {quoted(flag)}, which is not a flag "
                    f"of the country table; nearest: {near}."
                )
                table.fault("all_of", FaultCode.CHOICE, message, flag)
        lists = {key: table.words(key) for key in ("include", "exclude")}
        for key, codes in lists.items():
            for code in codes:
                _known_customer(table, key, code)
        for code in sorted(set(lists["include"]) & set(lists["exclude"])):
            message = f"{table.path} both includes and excludes {quoted(code)}."
            table.fault("exclude", FaultCode.CONTRADICTION, message, code)
        if not all_of and not lists["include"]:
            message = (
                f"The category {quoted(name)} needs an all_of or an include "
                "that is not empty."
            )
            table.fault("", FaultCode.MISSING_KEY, message)
        categories.append(
            Category(
                name=name,
                all_of=tuple(sorted(set(all_of))),
                include=tuple(sorted(set(lists["include"]))),
                exclude=tuple(sorted(set(lists["exclude"]))),
            )
        )
    return tuple(categories)


def _pairing(table: Table) -> Pairing:
    table.only(
        (
            "system",
            "region",
            "same_force_is_same_region",
            "implementing_agency",
            "window_days",
            "max_wait_days",
        )
    )
    waits = table.table("max_wait_days")
    waits.only(Priority)
    return Pairing(
        system=SystemRule(table.choice("system", SystemRule)),
        region=RegionRule(table.choice("region", RegionRule)),
        same_force_is_same_region=table.flag("same_force_is_same_region", default=True),
        implementing_agency=AgencyRule(table.choice("implementing_agency", AgencyRule)),
        window_days=table.whole("window_days", high=MAX_DAYS),
        max_wait_days={
            priority: waits.whole(priority, high=MAX_DAYS) for priority in Priority
        },
    )


def _coordination(table: Table) -> dict[EffortCase, CoordinationRates]:
    keys = ("bin", "customer_beyond_first")
    forms = [key + suffix for key in keys for suffix in ("", *_SUFFIX.values())]
    table.only((*forms, "elapsed_days"))
    rates = {
        EffortCase.DEFAULT: {
            key: table.scaled(key, 0, places=3, high=MAX_RATE) for key in keys
        }
    }
    for case, suffix in _SUFFIX.items():
        rates[case] = {
            key: table.scaled(key + suffix, places=3, high=MAX_RATE)
            if key + suffix in table.values
            else rates[EffortCase.DEFAULT][key]
            for key in keys
        }
    return {
        case: CoordinationRates(
            bin=of["bin"], customer_beyond_first=of["customer_beyond_first"]
        )
        for case, of in rates.items()
    }


def _stages(top: Table) -> tuple[Stage, ...]:
    stages = []
    seen: set[str] = set()
    for table in top.tables("stage"):
        table.only(
            (
                "id",
                "name",
                "trigger",
                "effort",
                "effort_low",
                "effort_high",
                "precedent_discount",
                "elapsed_days",
            )
        )
        stage_id = table.text("id")
        if stage_id and stage_id in seen:
            message = f"Two stages have the id {quoted(stage_id)}."
            table.fault("id", FaultCode.REPEATED_KEY, message, stage_id)
        if stage_id == "coordination":
            message = 'A stage may not have the id "coordination": it is taken.'
            table.fault("id", FaultCode.CONTRADICTION, message, stage_id)
        seen.add(stage_id)
        stages.append(
            Stage(
                id=stage_id,
                name=table.text("name"),
                trigger=Trigger(table.choice("trigger", Trigger)),
                effort=_effort(table),
                precedent_discount=_discount(table),
                elapsed_days=_elapsed(table),
            )
        )
    return tuple(stages)


def _effort(table: Table) -> dict[EffortCase, dict[Unit, int]]:
    effort = {EffortCase.DEFAULT: _rates(table.table("effort"))}
    for case, suffix in _SUFFIX.items():
        key = "effort" + suffix
        given = key in table.values
        effort[case] = _rates(table.table(key)) if given else effort[EffortCase.DEFAULT]
    return effort


def _rates(table: Table) -> dict[Unit, int]:
    table.only(Unit)
    return {
        unit: table.scaled(unit, places=3, high=MAX_RATE)
        for unit in Unit
        if unit in table.values
    }


def _discount(table: Table) -> Decimal:
    key = "precedent_discount"
    scaled = table.scaled(key, 0, places=_DISCOUNT_PLACES, high=1)
    return Decimal(scaled).scaleb(-_DISCOUNT_PLACES)


def _elapsed(table: Table) -> int | str:
    key = "elapsed_days"
    value = table.take(key, 0)
    if value == NOTIFICATION_CLOCK:
        return NOTIFICATION_CLOCK
    if isinstance(value, str):
        message = (
            f"{table.name(key)} must be a whole number of days or "
            f'"{NOTIFICATION_CLOCK}", not {_shown(value)}.'
        )
        table.fault(key, FaultCode.CHOICE, message, value)
        return 0
    return table.whole(key, 0, high=MAX_DAYS)


def _scaled(value: Any, places: int, high: int) -> int | None:
    """Return value times 10 to the places if whole and within 0 to high, else None."""
    if type(value) is int:
        return value * 10**places if 0 <= value <= high else None
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    if not 0 <= value <= high:
        return None
    if value == 0:
        return 0
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    whole = text.rstrip("0")
    shift = int(exponent) + len(text) - len(whole) + places
    return int(whole) * 10**shift if shift >= 0 and not sign else None


def _shown(value: Any) -> str:
    """Return a value as the file writes it, short and safe."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int) and abs(value) >= 10**64:
        return "a number of more than 64 digits"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return safe_text(value)
