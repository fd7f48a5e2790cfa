"""Batches sent over the page: nothing is stored until it is clean."""

from tests.service.world import World, row
from tests.web.visiting import Visitor

HEADER = "request_id,customer,system,received_on,value_usd"
GOOD = "EST-26-9,EST,HIMARS,2026-01-05,1500000"
SEND = "/batches/new"


def visitor(world: World) -> Visitor:
    """Return the first account at a browser."""
    return Visitor(world, world.first)


def test_a_clean_file_is_stored_and_shown(world: World) -> None:
    file = ("sent.csv", f"{HEADER}\n{GOOD}\n".encode())
    page = visitor(world).fill(SEND, SEND, file, do="send")
    assert page.status == 303
    shown = visitor(world).get(page.answer.headers["location"])
    assert shown.root.all("h1")[0].text == "Batch sent.csv"
    (line,) = shown.table("Requests in the order")
    assert line[:2] == ["EST-26-9", "EST"]
    assert "$1,500,000" in line


def test_rows_pasted_from_a_spreadsheet_are_read(world: World) -> None:
    text = f"{HEADER}\n{GOOD}\n".replace(",", "\t").replace("\n", "\r\n")
    page = visitor(world).fill(SEND, SEND, rows=text, do="send")
    assert page.status == 303
    assert [one["request_id"] for one in world.read("/requests")["items"]] == [
        "EST-26-9"
    ]


def test_pasted_json_is_read(world: World) -> None:
    import json

    text = json.dumps([row("EST-26-9")])
    assert visitor(world).fill(SEND, SEND, rows=text, do="send").status == 303


def test_every_fault_is_beside_its_cell_and_one_press_puts_it_right(
    world: World,
) -> None:
    person = visitor(world)
    bad = "EST-26-8,Estonja,Himarz,2026-01-05,1500000"
    text = f"{HEADER}\n{GOOD}\n{bad}\n"
    page = person.fill(SEND, SEND, rows=text, do="send")
    assert page.status == 422
    assert world.read("/requests")["items"] == []
    faults = page.table("Row 1 is the row")
    assert [(line[0], line[1], line[2]) for line in faults] == [
        ("3", "customer", "Estonja"),
        ("3", "system", "Himarz"),
    ]
    for wanted in ("Estonia", "HIMARS"):
        (fix,) = [
            one for one in page.root.all("button", name="fix") if one.text == wanted
        ]
        form = page.form(SEND)
        page = person.send(SEND, {**form, "fix": fix.attributes["value"]})
    assert page.status == 200
    assert "Clean. 2 requests read: 2 new" in page.main.text
    assert world.read("/requests")["items"] == []
    assert person.send(SEND, {**page.form(SEND), "do": "send"}).status == 303
    sent = world.read("/requests")["items"]
    assert {(one["request_id"], one["customer"]) for one in sent} == {
        ("EST-26-9", "EST"),
        ("EST-26-8", "EST"),
    }


def test_good_rows_alone_are_stored_only_when_asked(world: World) -> None:
    person = visitor(world)
    text = f"{HEADER}\n{GOOD}\nEST-26-8,EST,HIMARS,never,1\n"
    assert person.fill(SEND, SEND, rows=text, do="send").status == 422
    assert world.read("/requests")["items"] == []
    page = person.fill(SEND, SEND, rows=text, do="send", good_only="1")
    assert page.status == 303
    assert [one["request_id"] for one in world.read("/requests")["items"]] == [
        "EST-26-9"
    ]


def test_a_misspelt_column_is_put_right_in_the_header(world: World) -> None:
    person = visitor(world)
    text = f"{HEADER},quantty\n{GOOD},6\n"
    page = person.fill(SEND, SEND, rows=text, do="check")
    (fix,) = [
        one for one in page.root.all("button", name="fix") if one.text == "quantity"
    ]
    page = person.send(SEND, {**page.form(SEND), "fix": fix.attributes["value"]})
    assert "Clean. 1 request read" in page.main.text


def test_only_checking_stores_nothing(world: World) -> None:
    page = visitor(world).fill(SEND, SEND, rows=f"{HEADER}\n{GOOD}\n", do="check")
    assert page.status == 200
    assert "Nothing is stored yet" in page.main.text
    assert world.read("/batches")["items"] == []


def test_a_form_sent_twice_acts_once(world: World) -> None:
    person = visitor(world)
    form = {**person.get(SEND).form(SEND), "rows": f"{HEADER}\n{GOOD}\n", "do": "send"}
    first, second = person.send(SEND, form), person.send(SEND, form)
    assert first.answer.headers["location"] == second.answer.headers["location"]
    assert len(world.read("/batches")["items"]) == 1
    assert len(world.records(action="batch.send")) == 1


def test_what_goes_against_what_is_stored_is_said(world: World) -> None:
    world.stored([row("EST-26-9")])
    text = f"{HEADER}\n{GOOD[:-1]}1\n"
    page = visitor(world).fill(SEND, SEND, rows=text, do="send")
    assert page.status == 409
    assert "Request EST-26-9 of EST is stored with other content." in page.main.text


def test_a_submitter_sends_and_sees_its_own_alone(world: World) -> None:
    world.stored([row("LVA-26-1", "LVA")])
    person = Visitor(world, world.key("submitter", ["EST"]))
    text = f"{HEADER}\n{GOOD}\nLVA-26-2,LVA,HIMARS,2026-01-05,1\n"
    page = person.fill(SEND, SEND, rows=text, do="send")
    assert page.status == 422
    assert "of EST only" in page.main.text
    assert person.fill(SEND, SEND, rows=f"{HEADER}\n{GOOD}\n", do="send").status == 303
    home = person.get("/")
    assert [line[0] for line in home.table("All, those past")] == ["EST-26-9"]
    for words in ("LVA", "Audit trail", "Forecast"):
        assert words not in home.answer.text
    assert person.get(f"/requests/{world.uids()['LVA-26-1']}").status == 404
    own = person.get(f"/requests/{world.uids()['EST-26-9']}")
    assert "an analyst, to begin its review" in own.main.text
