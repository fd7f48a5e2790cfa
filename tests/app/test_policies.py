"""Policy files: shipped, good by other hands, and faulty in every way of rule R3."""

from decimal import Decimal
from pathlib import Path

import pytest

from app.errors import InputRefused
from app.policies import (
    DEFAULT_POLICY,
    parse_policy,
    policy_text,
    read_policy,
    shipped_policies,
)
from optimizer.batch import Priority
from optimizer.policy import EffortCase, Policy, Unit

SHIPPED = policy_text(DEFAULT_POLICY)


def parsed(text: str) -> Policy:
    return parse_policy(text.encode(), "policy.toml")


def faults(text: str | bytes) -> list[tuple[str | None, str, str]]:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(InputRefused) as caught:
        parse_policy(content, "policy.toml")
    return [(f.column, f.code, f.message) for f in caught.value.faults]


def test_the_shipped_policies_are_read() -> None:
    assert set(shipped_policies()) == {
        "nato-rdp",
        "nato-all",
        "nato-plus-five",
        "by-country",
    }
    hashes = set()
    for name in shipped_policies():
        policy = read_policy(name)
        assert policy.name == name
        hashes.add(policy.sha256)
    assert len(hashes) == 4
    assert read_policy("by-country").categories == ()


def test_numbers_are_exact_thousandths_and_cents() -> None:
    policy = read_policy(DEFAULT_POLICY)
    assert policy.wait_cost == {
        Priority.ROUTINE: 50,
        Priority.PRIORITY: 150,
        Priority.URGENT: 500,
    }
    assert policy.limits.max_value_cents == 20 * 10**9 * 100
    stage = next(stage for stage in policy.stages if stage.id == "S06")
    assert stage.effort[EffortCase.LOW] == {Unit.SYSTEM: 2667, Unit.CONFIGURATION: 1333}
    assert policy.coordination[EffortCase.LOW].bin == 6000
    second = next(stage for stage in policy.stages if stage.id == "S04")
    assert second.precedent_discount == Decimal("0.3")
    assert second.effort[EffortCase.HIGH] == second.effort[EffortCase.DEFAULT]


def test_g14_another_hand_writes_the_same_policy() -> None:
    limits = SHIPPED[SHIPPED.index("[limits]") : SHIPPED.index("[wait_cost]")]
    turned = SHIPPED.replace(limits, "") + "\n# moved\n" + limits
    turned = turned.replace("max_requests = 12", "max_requests = 1_2")
    turned = turned.replace("20e9", "20_000_000_000")
    assert turned != SHIPPED
    assert parsed(turned) == read_policy(DEFAULT_POLICY)
    other = parsed(SHIPPED.replace("routine = 0.05", "routine = 0.051"))
    assert other.sha256 != read_policy(DEFAULT_POLICY).sha256


def test_what_may_be_left_out_has_its_default() -> None:
    start, end = SHIPPED.index("[coordination]"), SHIPPED.index("[[stage]]")
    text = SHIPPED[:start] + SHIPPED[end:]
    for line in SHIPPED.splitlines():
        if line.startswith(("title", "precedent_years", "keep_apart", "same_force")):
            text = text.replace(line, "")
    policy = parsed(text)
    assert (policy.title, policy.precedent_years) == ("nato-rdp", 10)
    assert policy.keep_apart == ()
    assert policy.pairing.same_force_is_same_region
    assert policy.coordination[EffortCase.HIGH].bin == 0
    assert policy.coordination_elapsed_days == 0


def test_coordination_forms_default_one_by_one() -> None:
    text = SHIPPED.replace("bin_low = 6.0\n", "").replace(
        "customer_beyond_first_high = 1.0\n", ""
    )
    rates = parsed(text).coordination
    assert rates[EffortCase.LOW].bin == 3000
    assert rates[EffortCase.LOW].customer_beyond_first == 2000
    assert rates[EffortCase.HIGH].customer_beyond_first == 1000


def test_85_every_faulty_rate_is_named_with_the_range() -> None:
    text = SHIPPED.replace("bin = 3.0", "bin = -1")
    text = text.replace("routine = 0.05", "routine = 0.1234")
    text = text.replace("urgent = 0.5", "urgent = 1e30")
    found = faults(text)
    assert {column for column, _, _ in found} == {
        "coordination.bin",
        "wait_cost.routine",
        "wait_cost.urgent",
    }
    assert all("from 0 to 1,000,000" in message for _, _, message in found)
    assert all("at most 3 decimals" in message for _, _, message in found)


def test_86_all_unknown_words_are_named_with_the_nearest() -> None:
    text = SHIPPED.replace("max_requests", "max_request")
    text = text.replace('trigger = "offer"', 'trigger = "export"', 1)
    text = text.replace("customer = 0.5", "customers = 0.5", 1)
    text = text.replace('"nato_member"', '"nato"')
    said = " ".join(message for _, _, message in faults(text))
    for wrong, near in (
        ("max_request ", "nearest: max_requests"),
        ('"export"', "offer"),
        ("customers", "nearest: customer"),
        ('"nato"', "nearest: nato_member"),
    ):
        assert wrong in said
        assert near in said


def test_87_a_category_that_admits_nobody_is_named() -> None:
    found = faults(SHIPPED.replace('all_of = ["nato_member"]', "all_of = []"))
    assert len(found) == 1
    assert '"nato-other"' in found[0][2]


def test_81_a_policy_that_is_too_large_or_says_a_key_twice() -> None:
    assert "1 MiB" in faults(b"#" * (2 << 20))[0][2]
    twice = faults(SHIPPED.replace("[limits]", "[limits]\nmax_requests = 3"))
    assert (twice[0][1], "max_requests" in twice[0][2]) == ("repeated_key", True)
    table = faults(SHIPPED + "\n[limits]\nmax_requests = 1\n")
    assert (table[0][1], "limits" in table[0][2]) == ("repeated_key", True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a = " + "[" * 17 + "]" * 17, "depth_limit"),
        ("a = " + "[" * 100_000, "depth_limit"),
        (".".join("a" * 20) + " = 1", "depth_limit"),
        ("[" + ".".join("a" * 500_000) + "]", "depth_limit"),
        ("a = ", "syntax"),
        ("a = " + "9" * 5_000, "syntax"),
        (b"\xff", "encoding"),
        ("a = 1\n".encode("utf-16"), "encoding"),
    ],
)
def test_what_is_no_toml_within_limits_is_refused(text: str | bytes, code: str) -> None:
    assert [found[1] for found in faults(text)] == [code]


def test_brackets_within_text_do_not_nest() -> None:
    title = SHIPPED.replace('title = "', 'title = "' + "[" * 30 + "a.b" * 30)
    assert parsed(title).title.startswith("[[[")


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("bin = 3.0", "bin = true", "coordination.bin"),
        ("bin = 3.0", "bin = nan", "coordination.bin"),
        ("bin = 3.0", "bin = inf", "coordination.bin"),
        ("bin = 3.0", 'bin = "3"', "coordination.bin"),
        ("bin = 3.0", "bin = 1000000.001", "coordination.bin"),
        ("bin = 3.0", "bin = 1e999999999", "coordination.bin"),
        ("bin = 3.0", "bin = 1e-999999999", "coordination.bin"),
        ("max_requests = 12", "max_requests = 0", "limits.max_requests"),
        ("max_requests = 12", "max_requests = 12.0", "limits.max_requests"),
        ("max_requests = 12", "max_requests = true", "limits.max_requests"),
        ("20e9", "0", "limits.max_value_usd"),
        ("20e9", "0.001", "limits.max_value_usd"),
        ("window_days = 120", "window_days = -1", "pairing.window_days"),
        ("window_days = 120", "", "pairing.window_days"),
        ('region = "adjacent"', 'region = "near"', "pairing.region"),
        ("same_region = true", "same_region = 1", "pairing.same_force_is_same_region"),
        ("urgent = 21", "", "pairing.max_wait_days.urgent"),
        ('"GRC", "TUR"', '"GRC", "GRC"', "keep_apart"),
        ('"GRC", "TUR"', '"GRC", "Turkey"', "keep_apart"),
        ('"GRC", "TUR"', '"GRC", "USA"', "keep_apart"),
        ('"GRC", "TUR"', '"GRC"', "keep_apart"),
        ('"XNS"', '"XYZ"', "category[1].include"),
        ('name = "nato-other"', 'name = "nato-rdp"', "category[2].name"),
        ('id = "S02"', 'id = "S01"', "stage[2].id"),
        ("discount = 0.3", "discount = 1.1", "stage[3].precedent_discount"),
        ("elapsed_days = 15", 'elapsed_days = "long"', "stage[2].elapsed_days"),
        ("elapsed_days = 15", "elapsed_days = 1.5", "stage[2].elapsed_days"),
        ("effort = { request = 1.5 }", "", "stage[2].effort"),
        ('title = "', 'title = "\\u0000', "title"),
        ("precedent_years = 10", "precedent_years = -1", "precedent_years"),
        ("[limits]", "[limit]", "limits"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_its_key(
    old: str, new: str, column: str
) -> None:
    text = SHIPPED.replace(old, new, 1)
    assert text != SHIPPED
    assert column in {found[0] for found in faults(text)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bin = 3.0", "bin = 1000000"),
        ("bin = 3.0", "bin = 0.001000"),
        ("bin = 3.0", "bin = 0"),
        ("max_requests = 12", "max_requests = 1"),
        ("20e9", "0.01"),
        ("effort = { request = 1.5 }", "effort = {}"),
        ("elapsed_days = 15", 'elapsed_days = "notification_clock"'),
        ("discount = 0.3", "discount = 1"),
        ("precedent_years = 10", "precedent_years = 0"),
    ],
)
def test_a_value_at_the_edge_is_taken(old: str, new: str) -> None:
    parsed(SHIPPED.replace(old, new, 1))


def test_policies_are_read_by_path_and_missing_ones_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SHIPPED)
    assert read_policy(str(path)) == read_policy(DEFAULT_POLICY)
    with pytest.raises(InputRefused, match="nato-rdp"):
        read_policy("nato-rpd")
    with pytest.raises(InputRefused, match="not a shipped policy"):
        policy_text("../countries")
