"""Nothing of one customer reaches another over a page (P7).

Worlds that differ for others alone look the same, byte for byte.
"""

import json
import re
from random import Random
from typing import Any, Final
from urllib.parse import quote

from tests.service.test_isolation import (
    OWN,
    Worlds,
    masked,
    masked_headers,
    rows_of_others,
    worlds,
)
from tests.service.world import ABSENT, AS_OF, World, row
from tests.web.visiting import Page, Visitor

__all__ = ["worlds"]

_MASKS: Final = (
    (re.compile(r'name="form_(token|key)" value="[^"]*"'), "<secret>"),
    (re.compile(r"in the log this call is <code>[0-9a-f]{32}"), "<call>"),
    (re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}( UTC)?"), "<time>"),
    (re.compile(r"(?<=cursor=)[\w%-]+"), "<cursor>"),
)


OPEN: Final = frozenset(
    {
        "submitter /",
        "submitter /requests",
        "submitter request EST-26-1",
        "submitter request EST-26-1/change",
        "submitter /batches",
        "program /",
        "program /proposals",
        "program own proposal",
        "program own proposal/bins",
        "program own proposal/bins/B001",
        "program own proposal/pictures",
        "program /policies/nato-all",
    }
)
"""Pages that have to be seen, or there is nothing to compare."""


def seen(page: Page) -> tuple[int, Any, str]:
    """Return all that comes with a page, without what is random or the clock."""
    text = masked(page.answer.text)
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return page.status, masked_headers(page.answer), in_order(text)


def in_order(text: str) -> str:
    """Return a page with its rows sorted: those of one moment are in no order."""
    rows = iter(sorted(line for line in text.split("\n") if line.startswith("<tr>")))
    lines = text.split("\n")
    return "\n".join(next(rows) if line.startswith("<tr>") else line for line in lines)


def everything_seen(world: World, seed: int) -> dict[str, tuple[int, Any, str]]:
    """Return every page that Estonia sees, in a world that others fill."""
    draw = Random(seed)
    analyst, approver = world.key("analyst"), world.key("approver")
    others = rows_of_others(draw)
    unlike = {(one["customer"], one["request_id"]): one for one in others}
    for one in [*unlike.values()][: len(unlike) // 2]:
        world.stored([one], key=analyst)
    submitter = Visitor(world, world.key("submitter", ["EST"], name="Estonia"))
    program = Visitor(world, world.key("batch", ["EST"], name="Estonia's feed"))
    sent = submitter.fill(
        "/batches/new", "/batches/new", rows=json.dumps(OWN[:2]), do="send"
    )
    assert sent.status == 303
    feed = program.fill(
        "/batches/new", "/batches/new", rows=json.dumps(OWN[2:]), do="send"
    )
    assert feed.status == 303
    for one in [*unlike.values()][len(unlike) // 2 :]:
        world.stored([one], key=analyst)
    proposal = world.propose(key=analyst)
    decide_own(world, proposal, approver, draw)
    mine = program.fill(
        "/proposals/new", "/proposals/new", policy="nato-all", as_of=AS_OF
    )
    assert mine.status == 303
    world.join()
    own = mine.answer.headers["location"]
    pages = pages_of(world, proposal["proposal_id"], own)
    found: dict[str, tuple[int, Any, str]] = {}
    for who, visitor in (("submitter", submitter), ("program", program)):
        for name, path in pages.items():
            found[f"{who} {name}"] = seen(visitor.get(path))
        for name, text in refused(unlike):
            form = visitor.get("/batches/new").form("/batches/new")
            for do in ("check", "send"):
                page = visitor.send("/batches/new", {**form, "rows": text, "do": do})
                found[f"{who} sends {name} {do}"] = seen(page)
    return found


def decide_own(world: World, proposal: Any, approver: str, draw: Random) -> None:
    """Return Estonia's first request; decide of others as chance will have it."""
    first = OWN[0]["request_id"]
    for one in proposal["bins"]:
        own = {first, f"EST/{first}"} & {*one["request_ids"]}
        spared = {"EST-26-2", "EST-26-3"} & {*one["request_ids"]}
        decision = "return" if own else draw.choice(("accept", "reject", None))
        if decision and not (spared and not own):
            said = {"reason": f"secret {draw.random()}"}
            if own:
                said["releasable_reason"] = "Ask again in spring."
            place = proposal["proposal_id"], one["bin_id"]
            answer = world.decide(*place, decision, 1, said=said, key=approver)
            assert answer.status_code == 201, answer.text


def pages_of(world: World, foreign: str, own: str) -> dict[str, str]:
    """Return pages to look at by a name that is the same in every world."""
    uids = {
        one["request_id"]: one["uid"]
        for one in world.read("/requests?limit=1000&customer=EST")["items"]
    }
    plain = (
        "/", "/requests", "/requests?state=open", "/requests?customer=LVA",
        "/requests?request_id=X-1", "/requests?system=HIMARS", "/batches",
        "/batches/new", "/proposals", "/proposals/new", "/policies",
        "/policies/nato-all", "/audit", "/keys", "/shortcuts", "/nothing",
        f"/requests/{ABSENT}",
    )  # fmt: skip
    found = {path: path for path in plain}
    for name, uid in uids.items():
        for tail in ("", "/change", "/withdraw"):
            found[f"request {name}{tail}"] = f"/requests/{uid}{tail}"
    for tail in ("", "/bins", "/pictures", "/changes", "/bins/B001"):
        found[f"proposal of others{tail}"] = f"/proposals/{foreign}{tail}"
        found[f"own proposal{tail}"] = f"{own}{tail}"
    pair = f"?r={quote(OWN[0]['request_id'])}&s={quote(OWN[1]['request_id'])}"
    found["own why"] = f"{own}/why{pair}"
    found["own why of others"] = f"{own}/why?r={quote(OWN[0]['request_id'])}&s=X-1"
    return found


def refused(others: Any) -> list[tuple[str, str]]:
    """Return what Estonia may not send, or has sent before."""
    assert all(customer != "EST" for customer, _ in others)
    return [
        ("again", json.dumps(OWN[:1])),
        ("conflict", json.dumps([{**OWN[0], "quantity": 7}])),
        ("foreign", json.dumps([row("X-1", "LVA")])),
        ("foreign own id", json.dumps([{**OWN[0], "customer": "LVA"}])),
    ]


def test_what_a_customer_sees_on_pages_does_not_depend_on_others(
    worlds: Worlds,
) -> None:
    first: dict[str, Any] | None = None
    for seed in range(3):
        with worlds() as world:
            found = everything_seen(world, seed)
        text = json.dumps(list(found.values()))
        assert "secret " not in text
        first = first or found
        assert found.keys() == first.keys()
        assert {name for name, answer in found.items() if answer[0] == 200} >= OPEN
        for name, answer in found.items():
            assert answer == first[name], (seed, name)
