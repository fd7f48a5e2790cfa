"""Every page: who may see it, and that it is plain HTML of our own."""

import re
from typing import Final
from urllib.parse import quote

import pytest

from app.server.main import permission_of, routes_of
from app.web import OPEN_PAGES
from app.web.render import SECTIONS
from tests.service.conftest import Planned
from tests.service.world import ABSENT
from tests.web.visiting import Page, Visitor

READERS: Final = "analyst approver auditor"
ROLES: Final = ("submitter", "batch", "analyst", "approver", "auditor", "admin")

SEEN_BY: Final = {
    "/": " ".join(ROLES),
    "/shortcuts": " ".join(ROLES),
    "/requests": f"submitter batch {READERS}",
    "/requests/{uid}": f"submitter batch {READERS}",
    "/requests/{uid}/change": "submitter batch analyst",
    "/requests/{uid}/withdraw": "submitter batch analyst",
    "/batches": f"submitter batch {READERS}",
    "/batches/new": "submitter batch analyst",
    "/batches/{batch_id}": f"submitter batch {READERS}",
    "/proposals": f"batch {READERS}",
    "/proposals/new": "batch analyst",
    "/proposals/{proposal_id}": f"batch {READERS}",
    "/compare": f"batch {READERS}",
    "/compare.csv": f"batch {READERS}",
    "/proposals/{proposal_id}/progress": f"batch {READERS}",
    "/proposals/{proposal_id}/pictures": f"batch {READERS}",
    "/proposals/{proposal_id}/queue": "approver",
    "/proposals/{proposal_id}/decisions": "approver",
    "/proposals/{proposal_id}/why": f"batch {READERS}",
    "/proposals/{proposal_id}/changes": f"batch {READERS}",
    "/proposals/{proposal_id}/changes/preview": "analyst",
    "/proposals/{proposal_id}/sheet": "analyst",
    "/proposals/{proposal_id}/bins": f"batch {READERS}",
    "/proposals/{proposal_id}/find": f"batch {READERS}",
    "/proposals/{proposal_id}/bins.csv": f"batch {READERS}",
    "/proposals/{proposal_id}/bins/{bin_id}": f"batch {READERS}",
    "/proposals/{proposal_id}/bins/{bin_id}/alternatives": f"batch {READERS}",
    "/audit": "auditor",
    "/audit.csv": "auditor",
    "/audit/verify": "auditor",
    "/audit/{seq}": "auditor",
    "/policies": f"batch {READERS} admin",
    "/policies/{name}": f"batch {READERS} admin",
    "/policies/{name}/toml": f"batch {READERS} admin",
    "/policies/{name}/edit": "admin",
    "/policies/{name}/edit/toml": "admin",
    "/policies/{name}/trials/{trial_id}": "admin",
    "/keys": "auditor admin",
    "/keys/new": "admin",
    "/keys/{key_id}/revoke": "admin",
    "/accounts/new": "admin",
    "/accounts/{account_id}/end": "admin",
    "/accounts/{account_id}/role": "admin",
}
"""Pages to look at, and the roles that may."""

OF_ONE: Final = frozenset({"/policies/{name}/trials/{trial_id}"})
"""Pages that only whoever began something sees; of another's it is not there."""


def pages_of(plan: Planned) -> list[tuple[str, str]]:
    """Return the path of each page as a template, and as it is for the plan."""
    world = plan.world
    batch = world.read("/batches")["items"][0]["batch_id"]
    known = {
        "proposal_id": plan.proposal_id,
        "bin_id": plan.combined[0],
        "batch_id": batch,
        "uid": world.uids()["EST-26-1"],
        "seq": "1",
        "name": "nato-all",
        "trial_id": ABSENT,
        "key_id": world.first.split("_")[1],
        "account_id": world.read("/accounts")["items"][0]["account_id"],
    }
    return [(path, path.format(**known)) for path in SEEN_BY]


def test_every_page_has_its_case_here(plan: Planned) -> None:
    paths = {
        route.path
        for route in routes_of(plan.world.built.api)
        if "GET" in route.methods
        and route.endpoint.__module__.startswith("app.web")
        and route.path not in OPEN_PAGES
    }
    assert paths == set(SEEN_BY)
    assert {section.path for section in SECTIONS} <= paths


def test_every_page_that_sends_needs_a_permission(plan: Planned) -> None:
    sending = [
        route
        for route in routes_of(plan.world.built.api)
        if "POST" in route.methods and route.endpoint.__module__.startswith("app.web")
    ]
    assert sending
    assert all(permission_of(route) is not None for route in sending)


def test_a_role_sees_its_pages_and_no_other(plan: Planned) -> None:
    visitors = {
        role: Visitor(
            plan.world,
            plan.world.key(role, ["EST"] if role in ("submitter", "batch") else None),
        )
        for role in ROLES
    }
    for template, path in pages_of(plan):
        for role, visitor in visitors.items():
            page = visitor.get(path)
            if role not in SEEN_BY[template].split():
                assert page.status == 403, (path, role)
                assert "Not allowed" in page.main.text
            elif template in OF_ONE:
                assert page.status == 404, (path, role)
            elif role in ("submitter", "batch") and re.search(
                r"{(uid|\w+_id)}", template
            ):
                # Another sent all of it; of a customer's own, its requests are seen.
                own = role == "submitter" and "{uid}" in template
                assert page.status == (200 if own else 404), (path, role)
            else:
                assert page.status in (200, 303), (path, role, page.answer.text)


@pytest.mark.parametrize("role", ["analyst", "approver"])
def test_what_is_beyond_a_limit_has_no_page(plan: Planned, role: str) -> None:
    visitor = Visitor(plan.world, plan.world.key(role, ["POL"]))
    seen = 0
    for template, path in pages_of(plan):
        if role in SEEN_BY[template].split() and re.search(
            r"{(uid|batch_id|proposal_id)}", template
        ):
            page = visitor.get(path)
            if page.status == 303:  # a page that only a form leads to
                page = visitor.get(page.answer.headers["location"])
            assert page.status == 404, path
            seen += 1
    assert seen > 10
    for path in ("/", "/requests", "/batches", "/proposals", "/compare"):
        text = visitor.get(path).main.text
        assert plan.proposal_id[:8] not in text
        assert "EST" not in text, path
        assert "LVA" not in text, path


def test_the_navigation_leads_where_one_may_go(plan: Planned) -> None:
    for role in ROLES:
        customers = ["EST"] if role in ("submitter", "batch") else None
        visitor = Visitor(plan.world, plan.world.key(role, customers))
        (nav,) = visitor.get("/").root.all("nav", aria_label="Sections")
        links = [link.attributes["href"] for link in nav.all("a")]
        assert links == [s.path for s in SECTIONS if role in SEEN_BY[s.path].split()]


def test_who_is_not_signed_in_is_sent_to_sign_in(plan: Planned) -> None:
    nobody = Visitor(plan.world, None)
    for _, path in pages_of(plan):
        page = nobody.get(path)
        assert page.status == 303
        back = "" if path == "/" else f"?to={quote(path, safe='')}"
        assert page.answer.headers["location"] == f"/sign-in{back}"
        shown = nobody.get(page.answer.headers["location"])
        assert shown.form("/sign-in")["to"] == [path]
    part = nobody.get("/", **{"HX-Request": "true"})
    assert part.answer.headers["hx-redirect"] == "/sign-in"


def test_after_signing_in_nobody_is_sent_elsewhere(plan: Planned) -> None:
    nobody = Visitor(plan.world, None)
    for elsewhere in (
        "//x.example",
        "https://x.example",
        "/\\\\x.example",
        "x",
        "/a b",
    ):
        page = nobody.get(f"/sign-in?to={quote(elsewhere, safe='')}")
        assert page.form("/sign-in")["to"] == ["/"], elsewhere


def test_a_link_from_elsewhere_is_asked_for_once_more_with_the_cookie(
    plan: Planned,
) -> None:
    nobody = Visitor(plan.world, None)
    path = f"{plan.path}/bins?state=open"
    page = nobody.get(path, **{"Sec-Fetch-Site": "cross-site"})
    (refresh,) = page.root.all("meta", http_equiv="refresh")
    assert refresh.attributes["content"] == f"0; url={path}"
    ours = nobody.get(path, **{"Sec-Fetch-Site": "same-origin"})
    assert ours.answer.headers["location"].startswith("/sign-in?to=")


def test_what_is_not_there_is_said_on_a_page_to_people_alone(plan: Planned) -> None:
    visitor = Visitor(plan.world, plan.analyst)
    for path in ("/nothing", f"/proposals/{ABSENT}", f"{plan.path}/bins/B9999"):
        page = visitor.get(path)
        assert page.status == 404
        assert page.root.all("h1")[0].text == "Not there"
    program = visitor.get("/nothing", Accept="application/json")
    assert program.answer.json()["type"] == "/problems/not-there"
    assert visitor.get(f"{plan.path}/bins?sort=nonsense").status == 422


def test_signing_in_that_fails_says_why_on_a_page_to_people_alone(
    plan: Planned,
) -> None:
    nobody = Visitor(plan.world, None)
    for path in ("/sign-in/provider", "/sign-in/return?code=x"):
        page = nobody.get(path)
        assert page.status == 404
        assert "No OpenID Connect provider is set up." in page.main.text
        program = nobody.get(path, Accept="application/json")
        assert program.answer.json()["type"] == "/problems/not-there"
    assert nobody.get("/v1/requests").answer.json()["status"] == 401


def test_no_page_has_anything_inline_or_from_elsewhere(plan: Planned) -> None:
    visitor = Visitor(plan.world, plan.world.first)
    for _, path in pages_of(plan):
        page = visitor.get(path)
        check_plain(page)
        policy = page.answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy


def check_plain(page: Page) -> None:
    """Find scripts, styles and addresses that the page may not have."""
    for one in page.root.every():
        assert "style" not in one.attributes, one
        assert one.name != "style"
        assert not [name for name in one.attributes if name.startswith("on")], one
        if one.name == "script" and one.attributes.get("type") != "application/json":
            assert one.attributes["src"].startswith("/static/")
            assert not one.inside
        for name in ("src", "href", "action", "hx-get"):
            value = one.attributes.get(name, "/")
            assert re.match(r"[/?#]", value), (one.name, value)
            assert not value.startswith("//")


def test_each_page_has_one_heading_one_main_and_a_way_past_the_frame(
    plan: Planned,
) -> None:
    visitor = Visitor(plan.world, plan.world.first)
    for template, path in pages_of(plan):
        page = visitor.get(path)
        if page.status != 200 or template.endswith((".csv", "progress", "{name}/toml")):
            continue
        assert len(page.root.all("h1")) == 1, path
        assert page.main.attributes["id"] == "main"
        assert page.root.all("a", class_="skip", href="#main")
        for table in page.root.all("table"):
            assert table.all("caption"), path
            assert all("scope" in th.attributes for th in table.all("th")), path
        ids = [e.attributes["id"] for e in page.root.every() if "id" in e.attributes]
        assert len(ids) == len(set(ids)), path


def test_single_user_mode_is_said_on_every_page_until_there_is_a_second(
    plan: Planned,
) -> None:
    # The plan has two analysts and an approver beside the first account.
    visitor = Visitor(plan.world, plan.analyst)
    assert "Single-user mode" not in visitor.get("/").answer.text


def test_static_files_are_kept_by_what_they_hold(plan: Planned) -> None:
    nobody = Visitor(plan.world, None)
    address = nobody.get("/nothing").root.all("link", rel="stylesheet")[0]
    path = address.attributes["href"]
    found = nobody.client.get(path)
    assert found.status_code == 200
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert found.headers["content-type"] == "text/css; charset=utf-8"
    tag = found.headers["etag"]
    again = nobody.client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    now = nobody.client.get("/static/now/site.css")
    assert now.content == found.content
    assert now.headers["cache-control"] == "no-cache"
    for absent in ("nothing.css", "%2e%2e/door.py", "vendor", ""):
        assert nobody.client.get(f"/static/now/{absent}").status_code == 404


@pytest.mark.parametrize("token", ["", "another"])
def test_a_form_of_another_session_changes_nothing(plan: Planned, token: str) -> None:
    visitor = Visitor(plan.world, plan.analyst)
    before = plan.world.rows()
    form = visitor.get("/proposals/new").form("/proposals/new")
    page = visitor.send("/proposals/new", {**form, "form_token": token})
    assert page.status == 403
    assert "drawn for another session" in page.main.text
    assert plan.world.rows() == before
