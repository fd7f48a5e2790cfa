"""The page of the nearest alternatives: what it says is what the API says."""

from urllib.parse import parse_qs, urlparse

from app.export.numbers import signed_days
from tests.service.conftest import Planned
from tests.web.visiting import Visitor


def test_the_page_says_what_each_alternative_trades_and_leads_to_its_price(
    plan: Planned,
) -> None:
    visitor, bin_id = Visitor(plan.world, plan.analyst), plan.combined[0]
    path = f"{plan.path}/bins/{bin_id}/alternatives"
    links = visitor.get(f"{plan.path}/bins/{bin_id}").root.all("a", href=path)
    assert links
    said = plan.world.read(path)
    page = visitor.get(path)
    rows = page.table("The nearest alternatives")
    assert [row[2] for row in rows] == [
        signed_days(one["change"]) for one in said["alternatives"]
    ]
    assert rows[0][-1] == "the nearest"
    assert all(row[-1] == "next nearest" for row in rows[1:])
    prices = [
        link.attributes["href"]
        for link in page.root.all("a", class_="button")
        if "/changes/preview?" in link.attributes["href"]
    ]
    assert len(prices) == len(rows)
    assert parse_qs(urlparse(prices[0]).query)["bin"] == [bin_id]
    priced = visitor.get(prices[0])
    assert priced.status == 200
    change = said["alternatives"][0]["change"]
    assert f"{abs(change):g}" in priced.main.text
    assert "Save this change" in priced.main.text


def test_an_accepted_bin_says_why_it_has_none(plan: Planned) -> None:
    bin_id = plan.combined[0]
    plan.world.decide(plan.proposal_id, bin_id, "accept", 1, key=plan.approver)
    page = Visitor(plan.world, plan.analyst).get(
        f"{plan.path}/bins/{bin_id}/alternatives"
    )
    assert page.status == 200
    assert "stays as it is: there is no alternative" in page.main.text


def test_who_may_not_edit_reads_and_is_offered_no_change(plan: Planned) -> None:
    path = f"{plan.path}/bins/{plan.combined[0]}/alternatives"
    page = Visitor(plan.world, plan.approver).get(path)
    assert page.table("The nearest alternatives")
    assert "Make this change" not in page.main.text
