"""Names people type, and the reference tables behind them."""

import subprocess
import sys
import unicodedata
from datetime import date

import pytest

from app.catalogue import (
    CustomerCodes,
    NameUnknown,
    customer_flags,
    find_customers,
    find_systems,
    load_catalogue,
    planning_regions,
    read_table,
    resolve_customer,
    resolve_system,
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("POL", "POL"),
        ("pl", "POL"),
        (" Poland ", "POL"),
        ("Türkiye", "TUR"),
        (unicodedata.normalize("NFD", "Türkiye"), "TUR"),
        ("TÜRKİYE", "TUR"),
        ("TURKIYE", "TUR"),
        ("Turkey", "TUR"),
        ("TR", "TUR"),
        ("TK", "TUR"),
        ("Côte d\u2019Ivoire", "CIV"),
        ("N4", "XNS"),
        ("UK", "GBR"),
    ],
)
def test_a_customer_goes_by_many_names(text: str, code: str) -> None:
    found = resolve_customer(text)
    assert not isinstance(found, NameUnknown)
    assert found.code == code


@pytest.mark.parametrize(
    ("text", "codes", "code"),
    [
        ("DE", "iso", "DEU"),
        ("DE", "samm", "DNK"),
        ("GY", "samm", "DEU"),
        ("GY", "iso", "GUY"),
        ("N4", "iso", "XNS"),
        ("TR", "samm", "TUR"),
    ],
)
def test_the_codes_in_use_settle_two_readings(
    text: str, codes: CustomerCodes, code: str
) -> None:
    found = resolve_customer(text, codes)
    assert not isinstance(found, NameUnknown)
    assert found.code == code


def test_every_code_with_two_readings_is_refused_naming_both() -> None:
    rows = [r for r in read_table("countries.csv") if r["samm_country_code"]]
    alpha2 = {r["iso3166_alpha2"]: r for r in read_table("countries.csv")}
    doubtful = 0
    for row in rows:
        other = alpha2.get(row["samm_country_code"])
        if other is None or other is row:
            continue
        doubtful += 1
        found = resolve_customer(row["samm_country_code"])
        assert isinstance(found, NameUnknown)
        assert f"{row['name']} (SAMM) or {other['name']} (ISO)" in found.sentence
    assert doubtful >= 3  # DE, NE and GY at the least


@pytest.mark.parametrize("text", ["USA", "us", "United States", "U.S."])
def test_the_seller_is_no_customer(text: str) -> None:
    found = resolve_customer(text)
    assert isinstance(found, NameUnknown)
    assert "seller" in found.sentence
    assert "USA" not in load_catalogue().customers


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("Germny", "Germany"),
        ("Turkye", "Turkey"),
        ("ZZZ", ""),
        ("Pol\u200band", "Poland"),
    ],
)
def test_an_unknown_customer_is_answered_with_the_nearest(text: str, near: str) -> None:
    found = resolve_customer(text)
    assert isinstance(found, NameUnknown)
    assert found.nearest
    assert near in found.sentence


def test_every_code_name_and_alias_of_a_customer_finds_it() -> None:
    for customer in load_catalogue().customers.values():
        for text in (customer.code, customer.name, *customer.aliases):
            assert resolve_customer(text) is customer, text


def test_every_name_and_alias_of_a_system_finds_it() -> None:
    for system in load_catalogue().systems.values():
        for text in (system.family, *system.aliases):
            assert resolve_system(f" {text.upper()} ") is system


def test_an_unknown_system_is_never_guessed() -> None:
    found = resolve_system("Patroit")
    assert isinstance(found, NameUnknown)
    assert found.nearest[0] == "Patriot"


def test_the_catalogue_holds_what_the_tables_say() -> None:
    catalogue = load_catalogue()
    assert len(catalogue.customers) == len(read_table("countries.csv")) - 1
    assert catalogue.customers["POL"].planning_region == "Central Europe"
    assert "nato_rdp_cohort" in catalogue.customers["POL"].flags
    himars = catalogue.systems["HIMARS"]
    assert himars.implementing_agency == "army"
    assert catalogue.systems["AARGM-ER"].groups == {
        "f-18-air-combat",
        "f-35-air-combat",
    }
    assert frozenset({"Baltic", "Nordic"}) in catalogue.adjacent_regions
    for pair in catalogue.adjacent_regions:
        assert pair <= set(planning_regions())


def test_thresholds_bind_by_the_flag_of_the_customer() -> None:
    catalogue = load_catalogue()
    near = catalogue.threshold_for("POL", date(2026, 1, 1))
    other = catalogue.threshold_for("UKR", date(2026, 1, 1))
    assert near is not None
    assert other is not None
    # 25 and 100 million with a clock of 15 days; 14 and 50 with 30 and 20 before.
    assert (near.mde_cents, near.total_cents, near.clock_days) == (
        2_500_000_000,
        10_000_000_000,
        15,
    )
    assert (other.mde_cents, other.total_cents, other.clock_days) == (
        1_400_000_000,
        5_000_000_000,
        50,
    )
    assert catalogue.threshold_for("POL", date(2001, 1, 1)) is None


def test_flags_are_the_columns_of_zero_and_one() -> None:
    assert customer_flags() == {
        "nato_member",
        "rdp_mou",
        "nato_plus_five",
        "major_non_nato_ally",
        "eu_member",
        "aukus",
        "nato_rdp_cohort",
        "sosa",
    }


def test_searches_look_at_names_aliases_and_codes() -> None:
    assert [c.code for c in find_customers("holland")] == ["NLD"]
    assert [s.family for s in find_systems("fim-92")] == ["Stinger"]
    assert len(find_customers()) == len(load_catalogue().customers)
    assert find_systems("no such thing") == ()


def test_the_catalogue_needs_no_heavy_library() -> None:
    code = (
        "import sys, app.catalogue as c; c.load_catalogue();"
        "print({'pandas','pyarrow','numpy','openpyxl','networkx'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == "set()"
