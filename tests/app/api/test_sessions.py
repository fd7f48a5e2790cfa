"""Signing in and out: by key, by sign-in address, by provider; nobody for another."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from app.storage import accounts
from app.storage.database import Database
from app.use_cases import clock
from app.use_cases.refusals import NotKnown
from app.use_cases.sessions import subject_of
from tests.app.api.door import Door, cookies, told
from tests.app.edge.fake_provider import CLIENT_ID, SECRET, FakeProvider, providing


@pytest.fixture
def door(database: Database) -> Door:
    return Door(database)


# --- with a key ---------------------------------------------------------------------


def test_a_key_signs_a_browser_in(door: Door) -> None:
    answer = door.post("/sign-in", f"key={door.key}", sec_fetch_site="same-origin")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    ((name, value),) = cookies(answer)
    assert door.name_of(f"{name}={value}") == "local"
    (line,) = answer.headers.get_list("set-cookie")
    assert name == "allybin"
    assert "HttpOnly" in line
    assert "SameSite=strict" in line
    assert "Path=/" in line
    assert "Secure" not in line
    assert "Domain" not in line


def test_over_tls_the_cookie_is_for_this_host_and_tls_alone(database: Database) -> None:
    door = Door(database, public_url="https://bins.example")

    answer = door.post("/sign-in", f"key={door.key}", origin="https://bins.example")

    (line,) = answer.headers.get_list("set-cookie")
    assert line.startswith("__Host-allybin=")
    assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(line.split("; "))


def test_neither_key_nor_cookie_is_stored(door: Door) -> None:
    cookie, _ = door.sign_in()

    with door.database.reading() as connection:
        rows = connection.execute(text("SELECT * FROM sessions")).all()
        trail = connection.execute(text("SELECT * FROM audit")).all()
    assert cookie.partition("=")[2] not in str(rows) + str(trail)
    assert door.key not in str(rows) + str(trail)


def test_signing_in_and_out_leave_a_record(door: Door) -> None:
    cookie, form_token = door.sign_in()
    door.post("/sign-out", cookie=cookie, x_form_token=form_token)

    with door.database.reading() as connection:
        (row,) = accounts.listed(connection)
    assert door.trail()[1:] == [
        ("session.begin", row.account_id),
        ("session.end", row.account_id),
    ]


@pytest.mark.parametrize("key", ["", "x", "fms_000000000000_" + "A" * 43, "%00", "ä"])
def test_a_key_that_is_none_signs_nobody_in(door: Door, key: str) -> None:
    form = door.post("/sign-in", f"key={key}")
    shown = json.dumps({"key": key or " "})
    program = door.post("/sign-in", shown, "application/json")

    assert form.status_code in {400, 401}
    assert program.status_code in {401, 422}
    assert cookies(form) == cookies(program) == []


def test_a_revoked_key_signs_nobody_in(door: Door) -> None:
    with door.database.writing() as connection:
        accounts.revoke_key(connection, door.key.split("_")[1], clock.now())
        told(connection)

    assert door.post("/sign-in", f"key={door.key}").status_code == 401


def test_a_session_ends_when_its_key_does(door: Door) -> None:
    ends = clock.after(minutes=5)
    with door.database.writing() as connection:
        connection.execute(text("UPDATE api_keys SET expires_at = :at"), {"at": ends})

    answer = door.post("/sign-in", json.dumps({"key": door.key}), "application/json")

    assert answer.json()["expires_at"] == ends


def test_a_session_ends_after_the_time_that_is_set(door: Door) -> None:
    cookie, _ = door.sign_in()
    with door.database.writing() as connection:
        connection.execute(
            text("UPDATE sessions SET expires_at = :at"), {"at": clock.now()}
        )

    assert door.get("/session", cookie=cookie).status_code == 401


def test_signing_in_again_ends_the_session_before(door: Door) -> None:
    before, _ = door.sign_in()

    door.post("/sign-in", f"key={door.key}", cookie=before, origin="http://localhost")

    with pytest.raises(NotKnown):
        door.name_of(before)


def test_too_many_attempts_are_told_to_wait(database: Database) -> None:
    door = Door(database, rate_sign_in="3/hour")

    statuses = [door.post("/sign-in", "key=x").status_code for _ in range(5)]

    assert statuses == [401, 401, 401, 429, 429]


# --- from where ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
    ],
    ids=str,
)
def test_another_site_cannot_sign_a_browser_in(
    door: Door, headers: dict[str, str]
) -> None:
    answer = door.post("/sign-in", f"key={door.key}", **headers)

    assert answer.status_code == 403
    assert cookies(answer) == []


def test_over_an_open_wire_nobody_signs_in(database: Database) -> None:
    door = Door(database, host="0.0.0.0", allowed_hosts="bins.example")
    door.host = "bins.example"

    answer = door.post("/sign-in", f"key={door.key}")

    assert answer.status_code == 403
    assert "https" in answer.json()["detail"]


def test_who_is_signed_in_is_told_with_the_token_of_the_forms(door: Door) -> None:
    cookie, form_token = door.sign_in()

    told = door.get("/session", cookie=cookie)

    assert told.json() == {
        "account": "local",
        "roles": ["admin", "analyst", "approver", "auditor"],
        "form_token": form_token,
    }
    assert told.headers["cache-control"] == "no-store"
    assert door.get("/session").status_code == 401
    assert door.get("/session", cookie="allybin=x").status_code == 401


# --- out ----------------------------------------------------------------------------


def test_signing_out_ends_the_session_at_once(door: Door) -> None:
    cookie, form_token = door.sign_in()

    answer = door.post("/sign-out", f"form_token={form_token}", cookie=cookie)

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert cookies(answer) == [("allybin", "")]
    with pytest.raises(NotKnown):
        door.name_of(cookie)


@pytest.mark.parametrize("given", ["", "x", "ä"])
def test_signing_out_needs_the_token_of_the_session(door: Door, given: str) -> None:
    cookie, _ = door.sign_in()
    _, other = door.sign_in()

    for token in (given, other):
        body = str(httpx2.QueryParams({"form_token": token}))
        assert door.post("/sign-out", body, cookie=cookie).status_code == 403
    assert door.name_of(cookie) == "local"


def test_signing_out_of_nothing_is_fine(door: Door) -> None:
    assert door.post("/sign-out").status_code == 303
    assert door.post("/sign-out", "form_token=x", cookie="allybin=x").status_code == 303


# --- a sign-in address --------------------------------------------------------------


def test_a_sign_in_address_signs_one_browser_in_once(door: Door) -> None:
    path = door.parts.offer(door.key, "c0de")
    for _ in range(3):  # looking at it uses nothing up
        page = door.get(path)
    assert '<input type="hidden" name="code" value="c0de">' in page.text

    first = door.post("/sign-in", "code=c0de")
    second = door.post("/sign-in", "code=c0de")

    assert (first.status_code, len(cookies(first))) == (303, 1)
    assert (second.status_code, cookies(second)) == (401, [])
    assert "used before" in second.text


def test_a_sign_in_address_is_shown_as_text(door: Door) -> None:
    page = door.get("/sign-in/once/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")

    assert "<script" not in page.text


def test_the_page_to_sign_in_on_works_without_script(door: Door) -> None:
    page = door.get("/sign-in")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<form method="post" action="/sign-in">' in page.text
    assert "/sign-in/provider" not in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text


@pytest.mark.parametrize("body", ["a", "&".join(f"a{n}=1" for n in range(11)), "%ff=1"])
def test_what_is_no_form_is_refused(door: Door, body: str) -> None:
    assert door.post("/sign-in", body).status_code == 400


def test_another_type_of_body_is_refused(door: Door) -> None:
    assert door.post("/sign-in", "key=x", "text/csv").status_code == 415


# --- by a provider ------------------------------------------------------------------


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with providing() as fake:
        yield fake


def behind(fake: FakeProvider, database: Database, **settings: Any) -> Door:
    return Door(
        database,
        oidc_issuer=fake.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=SECRET,
        **settings,
    )


def give_account(door: Door, fake: FakeProvider) -> None:
    with door.database.writing() as connection:
        accounts.add_account(
            connection,
            account_id="a-ada",
            name="Ada",
            roles='["analyst"]',
            subject=subject_of(fake.issuer, "ada"),
            created_at=clock.now(),
        )
        told(connection)


def go_there(door: Door, fake: FakeProvider, query: str = "") -> tuple[str, str]:
    """Return the attempt's cookie, and the path a browser comes back with."""
    sent = door.get(f"/sign-in/provider{query}")
    assert sent.status_code == 303
    ((name, value),) = cookies(sent)
    came = fake.authorize(sent.headers["location"])
    return f"{name}={value}", f"/sign-in/return?{httpx2.QueryParams(came)}"


def test_a_provider_signs_in_who_has_an_account(
    fake: FakeProvider, database: Database
) -> None:
    door = behind(fake, database)
    give_account(door, fake)
    attempt, path = go_there(door, fake)

    answer = door.get(path, cookie=attempt, **{"sec-fetch-site": "cross-site"})

    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/">' in answer.text
    (name, value), dropped = cookies(answer)
    assert door.name_of(f"{name}={value}") == "Ada"
    assert dropped == ("allybin-attempt", "")
    assert ("session.begin", "a-ada") in door.trail()


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("/proposals?state=done", "/proposals?state=done"),
        ("//elsewhere.example", "/"),
        ("https://elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ('/"><script>', "/"),
    ],
)
def test_the_provider_leads_back_to_the_page_first_asked_for_and_nowhere_else(
    fake: FakeProvider, database: Database, wanted: str, there: str
) -> None:
    door = behind(fake, database)
    give_account(door, fake)
    query = httpx2.QueryParams({"to": wanted})
    page = door.get(f"/sign-in?{query}").text
    kept = f"/sign-in/provider?{httpx2.QueryParams({'to': there})}"
    assert f'href="{kept if there != "/" else "/sign-in/provider"}"' in page

    attempt, path = go_there(door, fake, f"?{query}")
    answer = door.get(path, cookie=attempt, **{"sec-fetch-site": "cross-site"})

    assert f'<meta http-equiv="refresh" content="0; url={there}">' in answer.text
    assert f'<a href="{there}">Go on</a>' in answer.text


def test_where_it_leads_is_checked_again_when_the_browser_comes_back(
    fake: FakeProvider, database: Database
) -> None:
    door = behind(fake, database)
    give_account(door, fake)
    attempt, path = go_there(door, fake)
    changed = base64.urlsafe_b64encode(b"//elsewhere.example").decode().rstrip("=")
    attempt = f"{attempt.rpartition('.')[0]}.{changed}"

    assert 'url=/"' in door.get(path, cookie=attempt).text


def test_the_attempt_is_for_this_browser_and_a_short_while(
    fake: FakeProvider, database: Database
) -> None:
    door = behind(fake, database, public_url="https://bins.example")

    (line,) = door.get("/sign-in/provider").headers.get_list("set-cookie")

    parts = set(line.split("; "))
    assert line.startswith("__Host-allybin-attempt=")
    assert {"HttpOnly", "Max-Age=600", "Path=/", "SameSite=lax", "Secure"} <= parts


def test_who_has_no_account_is_told_their_name_and_not_let_in(
    fake: FakeProvider, database: Database
) -> None:
    door = behind(fake, database)
    attempt, path = go_there(door, fake)

    answer = door.get(path, cookie=attempt)

    assert answer.status_code == 403
    assert "knows you as ada" in answer.json()["detail"]
    assert cookies(answer) == []


def test_a_disabled_account_is_not_let_in(
    fake: FakeProvider, database: Database
) -> None:
    door = behind(fake, database)
    give_account(door, fake)
    with door.database.writing() as connection:
        accounts.disable_account(connection, "a-ada", clock.now())
        told(connection)
    attempt, path = go_there(door, fake)

    assert door.get(path, cookie=attempt).status_code == 403


def test_another_provider_with_the_same_names_lets_nobody_in(
    fake: FakeProvider, database: Database
) -> None:
    door = behind(fake, database)
    give_account(door, fake)
    with providing() as other:
        there = behind(other, database)
        attempt, path = go_there(there, other)

        assert there.get(path, cookie=attempt).status_code == 403


def test_a_browser_that_did_not_begin_is_not_let_in(
    fake: FakeProvider, database: Database
) -> None:
    door = behind(fake, database)
    give_account(door, fake)
    _, path = go_there(door, fake)
    own, _ = go_there(door, fake)

    assert door.get(path).status_code == 401
    assert door.get(path, cookie=own).status_code == 401
    assert door.get(path, cookie="allybin-attempt=a.b.c").status_code == 401


def test_a_token_that_is_not_honest_lets_nobody_in(
    fake: FakeProvider, database: Database
) -> None:
    door = behind(fake, database)
    give_account(door, fake)
    fake.algorithm = "none"
    attempt, path = go_there(door, fake)

    answer = door.get(path, cookie=attempt)

    assert (answer.status_code, cookies(answer)) == (401, [])


def test_without_a_provider_there_is_no_such_way(door: Door) -> None:
    assert door.get("/sign-in/provider").status_code == 404
    assert door.get("/sign-in/return?code=x").status_code == 404


def test_the_page_leads_to_the_provider(fake: FakeProvider, database: Database) -> None:
    assert "/sign-in/provider" in behind(fake, database).get("/sign-in").text
