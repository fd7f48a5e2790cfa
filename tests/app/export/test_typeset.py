"""PDF: whatever a text says, it stays text, and the file stays one for every reader."""

import io
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.export.memo import Memo, write_memo
from tests.reading_pdf import Read, read_pdf

CODE: Final = (
    '#panic("out")',
    '#read("/etc/passwd")',
    '#import "parts.typ": *',
    "$x^2$ *b* _i_ `raw` <label> @label = Heading",
    "#{ let x = 1 }",
    '"] #sys.inputs ["',
    "\\u{41} \\u0041 \\#",
    "/* // - + / term: 1.",
)
"""Texts that would do something if they were taken for typst."""


def memo(text: str = "HIMARS", members: int = 2) -> Memo:
    """Return the memo of a bin that says a text wherever there is one."""
    ids = [f"R-{number}" for number in range(members)]
    version: dict[str, Any] = {
        "version": 1,
        "change": "proposed",
        "state": "open",
        "request_ids": ids,
        "at": "2026-01-05T07:00:00.000000Z",
        "by": "a",
    }
    decision = {
        "version": 2,
        "decision": "return",
        "reason_code": "other",
        "reason": text,
        "releasable_reason": text,
    }
    return Memo(
        bin={
            "bin_id": "B001",
            "version": 2,
            "state": "returned",
            "systems": [text],
            "regions": [text],
            "category": text,
            "effort_days": 12.5,
            "solo_effort_days": 20.0,
            "saved_effort_days": 7.5,
            "saved_effort_days_low": 5.0,
            "saved_effort_days_high": 9.0,
            "starts_on": "2026-01-05",
            "forecast_on": "2026-07-21",
            "warnings": [{"code": "new_code", "text": text}],
            "fair_share": {"EST": 5.0, "LVA": 2.5},
            "joint_case": {
                "value_usd": 250_000_000,
                "mde_value_usd": 0,
                "notification": True,
                "creates_notification": True,
                "threshold_id": "T",
                "clock_days": 15,
                "text": text,
            },
            "history": [
                version,
                {**version, "version": 2, "change": "decided", "state": "returned"},
            ],
        },
        proposal={
            "proposal_id": "p",
            "version": 3,
            "policy": {"name": "nato-all", "version": 1},
            "as_of": "2026-01-05",
            "gap": 0.0,
            "incumbent": 100.0,
            "bound": 100.0,
        },
        policy=text,
        customers={"EST": "Estonia", "LVA": "Latvia"},
        members=[
            {
                "request_id": name,
                "name": "Estonia",
                "system": text,
                "configuration": text + " ",
                "quantity": 3,
                "value_cents": 150_000_000,
                "ready_on": "2026-01-05",
                "wait": 7,
                "solo_forecast": "2026-07-01",
                "gained": -4,
                "needed_by": None,
                "precedents": ("2025-03-01",),
            }
            for name in ids
        ],
        near=[
            {
                "request_id": "N-1",
                "name": "Poland",
                "system": text,
                "bin_id": "B002",
                "rules": (("window", text),),
            }
        ],
        steps=[("Each alone", 20.0, True), ("Shared work", -7.5, False)],
        stages=[{"name": text, "alone": 20.0, "together": 12.5, "saved": 7.5}],
        decisions=[decision],
        people={"a": text},
        printed_at="2026-01-06T08:30:00.000000Z",
        printed_by=text,
    )


def read(made: Memo) -> Read:
    out = io.BytesIO()
    write_memo(out, made)
    return read_pdf(out.getvalue())


@pytest.mark.parametrize("text", CODE)
def test_a_text_is_never_code(text: str) -> None:
    found = read(memo(text))
    assert found.text.replace(" ", "").count(text.replace(" ", "")) >= 9


def test_it_is_tagged_for_screen_readers_and_says_its_language_and_title() -> None:
    found = read(memo())
    assert found.language == "en-US"
    assert found.is_tagged
    assert found.ua_part == "1"
    assert found.title == "Memo on B001: HIMARS for Estonia, Latvia"
    tables = found.tags.count("Table")
    assert tables == 8
    assert found.tags.count("THead") == found.tags.count("Caption") == tables
    assert found.tags.count("TH") == 9 + 3 + 4 + 3 + 3 + 4 + 5 + 4
    headings = [tag for tag in found.tags if tag in ("Title", "H1", "H2")]
    assert headings[0] == "Title"
    assert set(headings[1:]) == {"H1"}


def test_a_character_without_a_shape_is_said_by_its_number() -> None:
    found = read(memo("日本 😀 \x00\x07 \ufffe Ελληνικά Ķ → \u202egnp.exe\u200b"))
    for number in ("[U+65E5][U+672C]", "[U+1F600]", "[U+0000][U+0007]", "[U+FFFE]"):
        assert number in found.text
    assert "Ελληνικά Ķ → [U+202E]gnp.exe[U+200B]" in found.text


def test_texts_that_the_typesetter_breaks_down_on_are_filed_too() -> None:
    # typst 0.15 panics where some scripts stand in one line.
    for begin in range(0x20, 0x3000, 0x600):
        every = "".join(map(chr, range(begin, begin + 0x600)))
        assert read(memo(every, members=1)).ua_part == "1"


def test_a_text_is_cut_where_it_would_fill_a_book() -> None:
    found = read(memo("\u4e00" * 9000, members=1))
    assert "[U+4E00][U+4E00]" in found.text
    assert found.pages < 60
    assert "… (cut)" in read(memo("a word " * 900, members=1)).text


def test_what_is_set_is_set_as_it_is() -> None:
    text = "Größe Ångström Łódź Türkiye Ελλάδα Київ – “3 × 4” ≥ → € …"
    assert text in read(memo(text)).text
    assert "Å É" in read(memo("A\u030a E\u0301")).text


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_can_be_filed(text: str) -> None:
    assert read(memo(text)).ua_part == "1"


def test_many_members_flow_over_pages_under_their_heads() -> None:
    found = read(memo(members=150))
    assert found.pages > 2
    assert "R-149" in found.text
    assert f"{found.pages} / {found.pages}" in found.text


def test_figures_are_those_of_the_bin() -> None:
    text = read(memo()).text
    assert "Together they take 12.5 staff-days instead of 20.0: 7.50 saved" in text
    assert "Each alone 20.0 20.0 Shared work −7.50 12.5" in text
    assert "needed, and only because they join (T, 15 days)" in text
    assert "Proven best: no plan under these rules costs less." in text
    assert "R-0 Estonia HIMARS, HIMARS × 3 $1,500,000 2026-01-05 7" in text
    assert "days apart: HIMARS" in text
    assert "Version 2: returned another reason, said in words; HIMARS" in text
    assert "This supports administrative review only." in text
