"""The reference tables as values, and the resolution of names people type.

Customers and systems are found by code, English name or alias, ignoring case, outer
spaces and accents. Nothing is guessed: what is not found is refused with the nearest
known names.
"""

import csv
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from app.errors import quoted
from optimizer.catalogue import Catalogue, Customer, System, Threshold

type CustomerCodes = Literal["iso", "samm"]

SELLER: Final = "USA"
"""The United States sells and is never a customer."""

_AGENCIES: Final = {"Army": "army", "Navy": "navy", "Air Force": "air_force"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NameUnknown:
    """A name that could not be resolved: why, as a sentence, and the nearest names."""

    sentence: str
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Names:
    """Indexes from folded names to what they mean."""

    customers: Mapping[str, str]  # alpha-3, English name, alias
    alpha2: Mapping[str, str]
    samm: Mapping[str, str]
    spellings: Mapping[str, str]  # folded name or alias -> as written
    systems: Mapping[str, str]
    system_spellings: Mapping[str, str]


def fold(text: str) -> str:
    """Return text for comparison: without case, outer spaces, accents.

    Only marks that combine visibly are dropped, so an invisible character still makes
    a name unknown.
    """
    plain = text.strip()
    if not plain.isascii():
        plain = plain.casefold().replace("\u2019", "'")
        plain = "".join(
            char
            for char in unicodedata.normalize("NFD", plain)
            if not unicodedata.combining(char)
        )
    return plain.casefold()


def nearest(text: str, known: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Return the known names most like a text, best first; at least one."""
    by_fold = {fold(name): name for name in known}
    wanted = fold(text)[:80]
    found = get_close_matches(wanted, by_fold, n=count, cutoff=0.6)
    if not found and by_fold:
        matcher = SequenceMatcher(b=wanted)

        def likeness(name: str) -> tuple[float, str]:
            matcher.set_seq1(name)
            return (-matcher.ratio(), name)

        found = sorted(by_fold, key=likeness)[:1]
    return tuple(dict.fromkeys(by_fold[name] for name in found))


@cache
def load_catalogue() -> Catalogue:
    """Return the shipped reference tables; the seller is not among the customers."""
    customers = {
        row["iso3166_alpha3"]: _customer(row)
        for row in read_table("countries.csv")
        if row["iso3166_alpha3"] != SELLER
    }
    systems = {row["system_family"]: _system(row) for row in read_table("systems.csv")}
    adjacent = frozenset(
        frozenset((row["region_a"], row["region_b"]))
        for row in read_table("region_adjacency.csv")
    )
    thresholds = tuple(_threshold(row) for row in read_table("thresholds.csv"))
    return Catalogue(
        customers=customers,
        systems=systems,
        adjacent_regions=adjacent,
        thresholds=thresholds,
    )


@cache
def read_table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a shipped reference table, by column name."""
    text = files("app").joinpath("reference", name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines(keepends=True), strict=True))


@cache
def customer_flags() -> frozenset[str]:
    """Return the flags a policy category may ask for: the 0/1 columns of countries."""
    rows = read_table("countries.csv")
    return frozenset(
        column for column in rows[0] if {row[column] for row in rows} <= {"0", "1"}
    )


@cache
def planning_regions() -> tuple[str, ...]:
    """Return the planning regions of the country table, sorted."""
    rows = read_table("countries.csv")
    return tuple(sorted({row["planning_region"] for row in rows}))


def customers_of_region(name: str) -> frozenset[str]:
    """Return the codes of the customers of a planning region; none where it is none."""
    wanted = fold(name)
    return frozenset(
        customer.code
        for customer in load_catalogue().customers.values()
        if fold(customer.planning_region) == wanted
    )


def resolve_customer(
    text: str, codes: CustomerCodes | None = None
) -> Customer | NameUnknown:
    """Resolve a customer by alpha-3, alpha-2, SAMM code, English name or alias.

    Parameters
    ----------
    text
        What the user wrote.
    codes
        How to read a two-letter code that is one country's SAMM code and another's
        alpha-2: ``samm`` or ``iso``. None refuses it and names both readings.
    """
    names = _names()
    key = fold(text)
    iso, samm = names.alpha2.get(key), names.samm.get(key)
    if iso is not None and samm is not None and iso != samm:
        code = {"iso": iso, "samm": samm, None: None}[codes]
        if code is None:
            return _ambiguous(text, samm=samm, iso=iso)
    else:
        code = names.customers.get(key) or iso or samm
    if code is None:
        return _unknown_customer(text, names)
    if code == SELLER:
        return NameUnknown(
            sentence=f"{quoted(text)} is the United States, the seller and never a "
            "customer."
        )
    return load_catalogue().customers[code]


def resolve_system(text: str) -> System | NameUnknown:
    """Resolve a system by family name or listed alias."""
    names = _names()
    family = names.systems.get(fold(text))
    if family is not None:
        return load_catalogue().systems[family]
    near = nearest(text, names.system_spellings.values())
    return NameUnknown(
        sentence=f"{quoted(text)} is not a known system; nearest: {', '.join(near)}.",
        nearest=near,
    )


def find_customers(query: str = "") -> tuple[Customer, ...]:
    """Return customers whose code, name, alias or region holds the query."""
    wanted = fold(query)
    return tuple(
        customer
        for customer in load_catalogue().customers.values()
        if any(
            wanted in fold(text)
            for text in (
                customer.code,
                customer.name,
                customer.alpha2,
                customer.samm_code,
                customer.planning_region,
                *customer.aliases,
            )
        )
    )


def find_systems(query: str = "") -> tuple[System, ...]:
    """Return systems whose family, alias, area or group holds the query."""
    wanted = fold(query)
    return tuple(
        system
        for system in load_catalogue().systems.values()
        if any(
            wanted in fold(text)
            for text in (
                system.family,
                system.capability_area,
                *system.aliases,
                *sorted(system.groups),
            )
        )
    )


def _ambiguous(text: str, *, samm: str, iso: str) -> NameUnknown:
    names = {
        row["iso3166_alpha3"]: row["name"]
        for row in read_table("countries.csv")
        if row["iso3166_alpha3"] in (samm, iso)
    }
    return NameUnknown(
        sentence=f"{quoted(text)} may mean {names[samm]} (SAMM) or {names[iso]} (ISO); "
        "write the name or the three-letter code, or say which codes the batch uses.",
        nearest=(names[samm], names[iso]),
    )


def _unknown_customer(text: str, names: _Names) -> NameUnknown:
    known: list[str] = list(names.spellings.values())
    if len(text.strip()) <= 3:
        known += load_catalogue().customers
    near = nearest(text, known)
    return NameUnknown(
        sentence=f"{quoted(text)} is not a known customer; nearest: {', '.join(near)}.",
        nearest=near,
    )


@cache
def _names() -> _Names:
    customers: dict[str, str] = {}
    spellings: dict[str, str] = {}
    alpha2: dict[str, str] = {}
    samm: dict[str, str] = {}
    for row in read_table("countries.csv"):
        code = row["iso3166_alpha3"]
        for name in (row["name"], *_parts(row["aliases"])):
            customers.setdefault(fold(name), code)
            if code != SELLER:
                spellings.setdefault(fold(name), name)
        customers[fold(code)] = code
        if row["iso3166_alpha2"]:
            alpha2[fold(row["iso3166_alpha2"])] = code
        if row["samm_country_code"]:
            samm[fold(row["samm_country_code"])] = code
    systems: dict[str, str] = {}
    system_spellings: dict[str, str] = {}
    for row in read_table("systems.csv"):
        family = row["system_family"]
        for name in (family, *_parts(row["aliases"])):
            systems.setdefault(fold(name), family)
            system_spellings.setdefault(fold(name), name)
    return _Names(
        customers=customers,
        alpha2=alpha2,
        samm=samm,
        spellings=spellings,
        systems=systems,
        system_spellings=system_spellings,
    )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _customer(row: Mapping[str, str]) -> Customer:
    return Customer(
        code=row["iso3166_alpha3"],
        name=row["name"],
        planning_region=row["planning_region"],
        flags=frozenset(flag for flag in customer_flags() if row[flag] == "1"),
        samm_code=row["samm_country_code"],
        alpha2=row["iso3166_alpha2"],
        aliases=_parts(row["aliases"]),
    )


def _system(row: Mapping[str, str]) -> System:
    return System(
        family=row["system_family"],
        groups=frozenset(_parts(row["interoperability_group"])),
        implementing_agency=_AGENCIES.get(row["implementing_agency"], "other"),
        aliases=_parts(row["aliases"]),
        capability_area=row["capability_area"],
        confidence=row["confidence"],
    )


def _threshold(row: Mapping[str, str]) -> Threshold:
    flag, _, bound = row["customer_rule"].partition("=")
    by_flag = flag in customer_flags() and bound in ("0", "1")
    return Threshold(
        threshold_id=row["threshold_id"],
        statute=row["statute"],
        status=row["status"],
        customer_group=row["customer_group"],
        # A rule in words binds nobody; "any" is a flag nobody carries, asked to be 0.
        flag=flag if by_flag else "",
        flag_value=bound == "1" if by_flag else row["customer_rule"] != "any",
        valid_from=_day(row["valid_from"]),
        valid_to=_day(row["valid_to"]),
        total_cents=_cents(row["total_usd"]),
        mde_cents=_cents(row["mde_usd"]),
        clock_days=int(row["formal_days"] or 0) + int(row["advance_days"] or 0),
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _cents(text: str) -> int | None:
    return int(text) * 100 if text else None
