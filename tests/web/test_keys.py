"""Keys and accounts on pages: made, shown once, ended after a question."""

import pytest

from app.use_cases import clock
from tests.service.conftest import Planned
from tests.service.world import World
from tests.web.visiting import Page, Visitor


def admin(world: World) -> Visitor:
    """Return somebody who looks after keys and sees no request."""
    return Visitor(world, world.key("admin", name="Otto Admin"))


def secret(page: Page) -> str:
    """Return the key a page shows."""
    return page.main.all("input", id="key")[0].attributes["value"]


def key_rows(page: Page) -> dict[str, list[str]]:
    """Return the rows of the keys that let somebody in, by whom they are for."""
    (table,) = [
        table
        for table in page.root.all("table")
        if "somebody in" in table.all("caption")[0].text
    ]
    return {row[1]: row for row in table.rows()}


def test_a_key_is_made_shown_once_and_lets_in(world: World) -> None:
    person = admin(world)
    fields = {"name": "Poland's feed", "role": "submitter", "customers": "pol"}
    form = {**person.get("/keys/new").form("/keys/new"), **fields}
    page = person.send("/keys/new", form)
    assert page.status == 200
    key = secret(page)
    assert key.startswith("fms_")
    assert page.answer.headers["cache-control"] == "no-store"
    sent = world.post("/batches", [{}], key=key)
    assert sent.status_code == 422  # it is in, with a body that is wrong
    row = key_rows(person.get("/keys"))["Poland's feed"]
    assert row[2:4] == ["submitter", "POL"]
    assert "by Otto Admin" in row[4]
    assert row[5:7] == ["never", clock.today().isoformat()]

    again = person.send("/keys/new", form)  # the same form, as a double click sends it
    assert "made before" in again.main.text
    assert key not in again.answer.text
    assert list(key_rows(person.get("/keys"))).count("Poland's feed") == 1
    with world.service.reading() as connection:
        kept = connection.exec_driver_sql("SELECT body FROM idempotency").scalars()
        assert not [body for body in kept if key.split("_", 2)[2] in body]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "must have at least 1 character."),
        ("customers", "", "A submitter is of one customer"),
        ("customers", "POL EST", "A submitter is of one customer"),
        ("customers", "ZZZ", "ZZZ"),
        ("expires_on", "2020-01-01", "This has to be a day to come."),
        ("expires_on", "2026-02-31", "This is not a day of the calendar."),
        ("role", "king", "must be"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_made(
    world: World, field: str, value: str, said: str
) -> None:
    person = admin(world)
    good = {"name": "A feed", "role": "submitter", "customers": "POL"}
    before = world.rows()
    page = person.fill("/keys/new", "/keys/new", **(good | {field: value}))
    assert page.status == 422
    (wrong,) = page.main.all("span", id=f"{field}-wrong") or page.main.all(
        "span", class_="wrong"
    )
    assert said in wrong.text
    if field != "role":
        (input_,) = page.main.all("input", id=field)
        assert input_.attributes["aria-invalid"] == "true"
        assert f"{field}-wrong" in input_.attributes["aria-describedby"].split()
        assert input_.attributes["value"] == value
    assert world.rows() == before


def test_a_key_is_revoked_only_after_a_question(plan: Planned) -> None:
    world = plan.world
    person = admin(world)
    somebody = Visitor(world, plan.analyst)
    key_id = plan.analyst.split("_")[1]
    there = f"/keys/{key_id}/revoke"
    asked = person.get(there)
    assert "signed out" in asked.main.text
    assert somebody.get("/").status == 200
    page = person.send(there, asked.form(there))
    assert page.status == 303
    assert page.answer.headers["location"] == f"/keys#key-{key_id}"
    assert somebody.get("/").status == 303
    assert world.get("/requests", key=plan.analyst).status_code == 401
    listed = person.get("/keys")
    ended = listed.table("Keys that let nobody in any more")
    assert [row[0] for row in ended] == [key_id]
    assert "revoked" in ended[0][7]
    assert "It lets nobody in any more" in person.get(there).main.text
    (record,) = world.records(action="key.revoke")
    assert record["object"] == f"key/{key_id}"


def test_the_last_admin_and_oneself_are_warned_of(world: World) -> None:
    mine = Visitor(world, world.first)
    there = f"/keys/{world.first.split('_')[1]}/revoke"
    text = mine.get(there).main.text
    assert "you are signed out yourself" in text
    assert "Nobody else can come in as an admin" in text
    other = admin(world)
    text = other.get(there).main.text
    assert "yourself" not in text
    assert "Nobody else" not in text


def test_an_account_of_the_provider_is_made_and_ended(world: World) -> None:
    person = admin(world)
    fields = {
        "name": "A. Approver",
        "role": "approver",
        "issuer": "https://login.example.org",
        "subject": "one",
    }
    page = person.fill("/accounts/new", "/accounts/new", **fields)
    assert page.status == 303
    account_id = page.answer.headers["location"].removeprefix("/keys#account-")
    rows = {row[0]: row for row in person.get("/keys").table("3 accounts")}
    assert rows["A. Approver"][1:4] == ["approver", "all", "OpenID Connect"]
    twice = person.fill("/accounts/new", "/accounts/new", **fields)
    assert twice.status == 422
    assert "has an account already" in twice.main.text
    whole = {**fields, "role": "auditor", "customers": "POL"}
    wrong = person.fill("/accounts/new", "/accounts/new", **whole)
    assert "names no customers" in wrong.main.all("span", id="customers-wrong")[0].text

    there = f"/accounts/{account_id}/end"
    assert "End the account of A. Approver?" in person.get(there).main.text
    assert person.fill(there, there).status == 303
    rows = {row[0]: row for row in person.get("/keys").table("3 accounts")}
    assert rows["A. Approver"][5].startswith("ended on ")


def test_an_auditor_looks_and_changes_nothing(world: World) -> None:
    auditor = Visitor(world, world.key("auditor"))
    page = auditor.get("/keys")
    assert page.status == 200
    shown = [a.attributes["href"] for a in page.main.all("a")]
    assert not [path for path in shown if "revoke" in path or "new" in path]
    assert any(path.startswith("/audit?about=key%2F") for path in shown)
    key_id = world.first.split("_")[1]
    before = world.rows()
    form = {"form_token": auditor.get("/").form("/sign-out")["form_token"]}
    assert auditor.send(f"/keys/{key_id}/revoke", form).status == 403
    assert world.rows() == before


def test_the_day_of_last_use_is_kept_for_calls_and_for_signing_in(
    world: World,
) -> None:
    called, signed_in, neither = (world.key("analyst", name=n) for n in ("c", "s", "n"))
    world.read("/requests", key=called)
    Visitor(world, signed_in)
    today = clock.today().isoformat()
    rows = key_rows(admin(world).get("/keys"))
    assert [rows[name][6] for name in ("c", "s", "n")] == [today, today, "never"]
    assert neither
    listed = {one["name"]: one for one in world.read("/keys")["items"]}
    assert listed["c"]["last_used_on"] == today


def test_a_second_admin_confirms_an_approver_on_the_page(world: World) -> None:
    world.key("analyst")
    first, second = admin(world), admin(world)
    fields = {"name": "Paul", "role": "approver", "customers": "EST"}
    page = first.fill("/keys/new", "/keys/new", **fields)
    assert "waits until a second admin" in page.main.text
    key = secret(page)
    (waits,) = first.get("/keys").table("1 role to confirm")
    assert waits[:3] == ["Paul", "approver", "EST"]
    assert "Confirm" not in waits[4]
    assert "Take back" in waits[4]

    asked = second.get("/keys")
    (form,) = [
        one.attributes["action"]
        for one in asked.main.all("form")
        if one.attributes["action"].endswith("/confirm")
    ]
    assert second.fill("/keys", form).status == 303

    assert world.get("/proposals", key=key).status_code == 200
    assert "to confirm or refuse" not in second.get("/keys").main.text


def test_the_role_of_an_account_is_changed_on_a_page(world: World) -> None:
    person = admin(world)
    made = world.done("/keys", {"name": "Nora", "role": "analyst"})
    there = f"/accounts/{made['account_id']}/role"
    wrong = person.fill(there, there, role="analyst", regions="Mordor")
    assert wrong.status == 422
    assert "no region" in wrong.main.all("span", id="regions-wrong")[0].text
    page = person.fill(there, there, role="analyst", customers="", regions="Baltic")
    assert page.status == 303
    row = key_rows(person.get("/keys"))["Nora"]
    assert row[2:4] == ["analyst", "EST, LTU, LVA"]
