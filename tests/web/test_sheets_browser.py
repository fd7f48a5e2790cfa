"""A sheet of bins in a real browser: taken, edited, sent back, and a memo beside it."""

from pathlib import Path

from tests.reading_pdf import read_pdf
from tests.service.served import served
from tests.service.world import AS_OF, BALTIC
from tests.sheets import moved
from tests.web.browsing import browsing, needs_browser

pytestmark = needs_browser


def test_a_sheet_goes_out_and_comes_back(tmp_path: Path) -> None:
    with served(tmp_path) as service, browsing(service.url) as browser:
        service.call("POST", "batches", json=[*BALTIC])
        wanted = {"all_open": True, "policy": "nato-all", "as_of": AS_OF}
        headers = {"Prefer": "wait=60"}
        proposal = service.call("POST", "proposals", json=wanted, headers=headers)
        there = f"/proposals/{proposal.json()['proposal_id']}"
        page, wrong = browser.page, []
        browser.sign_in(service.first_key)
        browser.go(f"{there}/changes")
        page.get_by_role("link", name="Change many bins at once").click()
        wrong += browser.violations()
        with page.expect_download() as download:
            page.get_by_role("link", name="XLSX", exact=True).click()
        sheet = moved(
            download.value.path().read_bytes(),
            EST_26_1="Guns of two",
            LVA_26_1="Guns of two",
            POL_26_1="Rest",
            NLD_26_1="Rest",
        )
        path = tmp_path / "bins.xlsx"
        path.write_bytes(moved(sheet, EST_26_1=""))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.get_by_label("Send it back").set_input_files(path)
            page.get_by_role("button", name="Show what it changes").click()
            page.get_by_role("heading", name="1 row with faults").wait_for()
            wrong += browser.violations()
        path.write_bytes(sheet)
        page.get_by_label("Send it back").set_input_files(path)
        page.get_by_role("button", name="Show what it changes").click()
        page.get_by_role("heading", name="What this change would cost").wait_for()
        wrong += browser.violations()
        page.get_by_label("Why, in words").fill("Sorted by both staffs.")
        page.get_by_role("button", name="Save this change").click()
        page.get_by_text("Sorted by both staffs.").wait_for()
        browser.go(f"{there}/sheet")
        page.get_by_label("Send it back").set_input_files(path)
        page.get_by_role("button", name="Show what it changes").click()
        page.get_by_role("heading", name="The plan is not what you saw").wait_for()
        browser.complaints[:] = [
            one for one in browser.complaints if "422" not in one and "412" not in one
        ]
        wrong += browser.violations()
        browser.go(f"{there}/bins/B005")
        with page.expect_download() as download:
            page.get_by_role("link", name="Memo to file (PDF)").click()
        memo = read_pdf(download.value.path().read_bytes())
        assert "EST-26-1" in memo.text
        assert "changed by hand" in memo.text
        assert wrong == []
