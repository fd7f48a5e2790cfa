"""A catalogue small enough to know by heart: ten customers, six systems."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from optimizer.catalogue import Catalogue, Customer, System, Threshold

_NATO: Final = ("nato_member", "nato_plus_five")
CUSTOMERS: Final = (
    ("EST", "Estonia", "Baltic", (*_NATO, "nato_rdp_cohort")),
    ("LVA", "Latvia", "Baltic", (*_NATO, "nato_rdp_cohort")),
    ("LTU", "Lithuania", "Baltic", (*_NATO, "nato_rdp_cohort")),
    ("POL", "Poland", "Central Europe", (*_NATO, "nato_rdp_cohort")),
    ("GRC", "Greece", "Mediterranean", (*_NATO, "nato_rdp_cohort")),
    ("TUR", "Türkiye", "Mediterranean", _NATO),
    ("KOR", "Korea, Republic of", "Northeast Asia", ("nato_plus_five",)),
    ("AUS", "Australia", "Oceania", ("nato_plus_five",)),
    ("SAU", "Saudi Arabia", "Gulf", ()),
    ("MAR", "Morocco", "North Africa", ()),
)
SYSTEMS: Final = (
    ("HIMARS", ("rockets",), "army"),
    ("GMLRS", ("rockets", "missiles"), "army"),
    ("Patriot", ("missiles", "air-defence"), "army"),
    ("NASAMS", ("air-defence",), "air_force"),
    ("AMRAAM", ("air-defence", "fighters"), "air_force"),
    ("Javelin", (), "army"),
)
_ADJACENT: Final = (  # a chain: nearness does not carry over
    ("Baltic", "Central Europe"),
    ("Central Europe", "Mediterranean"),
    ("Mediterranean", "North Africa"),
    ("Mediterranean", "Gulf"),
    ("Northeast Asia", "Oceania"),
)


def threshold(threshold_id: str, **changes: Any) -> Threshold:
    """Return the NATO+5 row of AECA 36(b), with what a test changes."""
    row = Threshold(
        threshold_id=threshold_id,
        statute="AECA 36(b) / 22 USC 2776(b)",
        status="in force (last verified source 2025-03)",
        customer_group="NATO+5",
        flag="nato_plus_five",
        flag_value=True,
        valid_from=date(2010, 10, 8),
        valid_to=None,
        total_cents=100_000_000_00,
        mde_cents=25_000_000_00,
        clock_days=15,
    )
    return replace(row, **changes)


THRESHOLDS: Final = (
    threshold(
        "OLD-NATO5",
        status="historical",
        valid_from=date(2002, 9, 30),
        valid_to=date(2010, 10, 7),
        total_cents=1_00,
        mde_cents=1_00,
    ),
    threshold("DCS", statute="AECA 36(c)", total_cents=1_00, mde_cents=1_00),
    threshold("NATO5"),
    threshold(
        "OTHER",
        statute="AECA 36(b)",
        customer_group="all other purchasers",
        flag_value=False,
        valid_from=date(2002, 9, 30),
        total_cents=50_000_000_00,
        mde_cents=14_000_000_00,
        clock_days=50,
    ),
    threshold(
        "PROPOSED",
        statute="AECA 36(b) as proposed",
        status="proposed 2024, not found enacted",
        valid_from=None,
        total_cents=1_00,
        mde_cents=1_00,
    ),
)


def catalogue(thresholds: tuple[Threshold, ...] = THRESHOLDS) -> Catalogue:
    """Return ten customers, six systems, a chain of regions and the thresholds."""
    return Catalogue(
        customers={
            code: Customer(
                code=code, name=name, planning_region=region, flags=frozenset(flags)
            )
            for code, name, region, flags in CUSTOMERS
        },
        systems={
            family: System(
                family=family, groups=frozenset(groups), implementing_agency=agency
            )
            for family, groups, agency in SYSTEMS
        },
        adjacent_regions=frozenset(frozenset(pair) for pair in _ADJACENT),
        thresholds=thresholds,
    )
