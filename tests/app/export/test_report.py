"""report.html."""

import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from app.export.report import write_report
from tests.app.export.factories import (
    Sample,
    baltic,
    many,
    request,
    sample,
    stages_notes,
)

type Write = Callable[[Sample], Path]

VOID = {"meta", "br"}


def render(made: Sample) -> str:
    stream = io.BytesIO()
    write_report(
        stream, made.document, made.batch, made.policy, made.catalogue, stages_notes()
    )
    return stream.getvalue().decode()


class Page(HTMLParser):
    """What the tests ask of a page: its elements, attributes and visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.pictures: list[set[str]] = []
        self.figures_with_table = 0
        self.texts: list[str] = []
        self._in_figure: set[str] | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag == "svg":
            self.pictures.append(set())
        if self._is_in("svg"):
            self.pictures[-1].add(tag)
        if tag == "figure":
            self._in_figure = set()
        if self._in_figure is not None:
            self._in_figure.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag
        if tag == "figure":
            assert self._in_figure is not None
            self.figures_with_table += {"svg", "details", "table"} <= self._in_figure
            self._in_figure = None

    def handle_data(self, data: str) -> None:
        if not self._is_in("style"):
            self.texts.append(data)

    def _is_in(self, tag: str) -> bool:
        return tag in self.open

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]


SAMPLES: dict[str, Callable[[], Sample]] = {
    "six bins": baltic,
    "500 requests": lambda: many(500),
    "one request": lambda: sample([request("R1")], [["R1"]]),
    "one bin": lambda: sample([request("R1"), request("R2", "LVA")], [["R1", "R2"]]),
    "one customer": lambda: sample([request("R1"), request("R2")], [["R1", "R2"]]),
}


@pytest.fixture(params=SAMPLES)
def html(request: pytest.FixtureRequest) -> str:
    """Return the page of each sample in turn."""
    return render(SAMPLES[request.param]())


def test_page_is_well_formed_with_one_heading_of_each_rank_in_order(html: str) -> None:
    page = Page(html)
    assert page.open == []
    ranks = [int(tag[1]) for tag in page.tags() if re.fullmatch(r"h[1-6]", tag)]
    assert ranks.count(1) == 1
    assert ranks[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(ranks))


def test_every_picture_has_a_name_a_description_and_a_table(html: str) -> None:
    page = Page(html)
    svgs = [attributes for tag, attributes in page.elements if tag == "svg"]
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert len(svgs) >= 2
    assert page.figures_with_table == len(svgs)
    for attributes, inside in zip(svgs, page.pictures, strict=True):
        assert attributes["role"] == "img"
        assert set(attributes["aria-labelledby"].split()) <= ids
        assert {"title", "desc"} <= inside


def test_page_loads_nothing_and_runs_nothing(html: str) -> None:
    page = Page(html)
    for tag, attributes in page.elements:
        assert tag not in {"script", "img", "iframe", "object", "link", "base"}
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            assert attributes.get(name, "#").startswith("#")
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {
        "#effort-hatch",
        "#timeline-hatch",
    }
    assert "@import" not in html


def test_ids_are_unique_and_inner_links_lead_somewhere(html: str) -> None:
    elements = Page(html).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {a["href"][1:] for _, a in elements if "href" in a}
    assert links <= set(ids)


def test_every_header_cell_has_a_scope(html: str) -> None:
    headers = [a for tag, a in Page(html).elements if tag == "th"]
    assert headers
    assert {a["scope"] for a in headers} <= {"col", "row", "rowgroup"}


def test_headline_and_key_figures_are_those_of_the_document(six_bins: Sample) -> None:
    text = Page(render(six_bins)).text
    assert "13 requests become 6 reviews" in text
    saved = six_bins.document["objective"]["saved_effort_days"]
    assert f"{saved:.1f} staff-days of effort saved" in text
    assert "Proven optimal" in text
    assert "decides nothing about releasability" in text
    assert "low and high effort assumptions" in text


def test_a_gap_is_said_and_optimal_is_not(six_bins: Sample) -> None:
    six_bins.document.update(status="feasible", gap=0.0123, lower_bound=338.1)
    text = Page(render(six_bins)).text
    assert "Not proven optimal" in text
    assert "at most 1.2% less" in text
    assert "Proven optimal" not in text


def test_everything_a_reviewer_needs_of_a_bin_is_there(six_bins: Sample) -> None:
    text = Page(render(six_bins)).text
    for bin_ in six_bins.document["bins"]:
        assert bin_["bin_id"] in text
        for request_id in bin_["request_ids"]:
            assert request_id in text
            assert bin_["solo_forecast_on"][request_id] in text
        for item in (*bin_["warnings"], *bin_.get("alone_because", ())):
            assert item["text"] in text
        if bin_["joint_case"]:
            assert bin_["joint_case"]["text"] in text
    assert six_bins.document["fragmentation"][0]["text"] in text
    assert "apart" in text


def test_hostile_texts_are_shown_and_do_nothing(hostile: Sample) -> None:
    page = Page(render(hostile))
    assert "script" not in page.tags()
    assert "img" not in page.tags()
    assert "<script>alert(1)</script>" in page.text
    assert "<img src=x onerror=alert(2)>" in page.text
    assert '=HYPERLINK("http://x","open")' in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_a_large_picture_says_what_it_leaves_out(five_hundred: Sample) -> None:
    bins = five_hundred.document["bins"]
    combined = sum(len(bin_["request_ids"]) > 1 for bin_ in bins)
    text = Page(render(five_hundred)).text
    shown = re.search(r"The (\d+) combined reviews that save most, of (\d+)", text)
    assert shown is not None
    assert int(shown[2]) == combined
    assert int(shown[1]) < combined
    assert all(bin_["bin_id"] in text for bin_ in bins)


def test_the_page_of_two_thousand_requests_stays_small() -> None:
    assert len(render(many(2000)).encode()) < 3_000_000


def test_the_same_document_gives_the_same_page(six_bins: Sample) -> None:
    assert render(six_bins) == render(six_bins)
