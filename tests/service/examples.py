"""Writes app/api/examples.json: what each call answers, from a service that was asked.

    .venv/bin/python -m tests.service.examples

A test holds every example against the description of its call.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from app.jobs.desk import Desk
from tests.service.world import BALTIC, World, row

FILE: Final = Path(__file__).parents[2] / "app" / "api" / "examples.json"

_KEY: Final = re.compile(r"fms_[0-9a-f]{12}_[\w-]{43}")


def asked(world: World) -> Iterator[tuple[str, Any]]:
    """Yield each call with the answer it got."""
    sent = world.send(BALTIC[:3])
    yield "POST /v1/batches", sent
    yield "POST /v1/batches", world.send(BALTIC[:3])
    batch = f"/batches/{sent.json()['batch_id']}"
    yield "GET /v1/batches", world.get("/batches?limit=1")
    yield "GET /v1/batches/{batch_id}", world.get(batch)
    yield "GET /v1/batches/{batch_id}/requests", world.get(f"{batch}/requests?limit=1")
    yield "GET /v1/requests", world.get("/requests?limit=1")
    world.stored([row("POL-26-9", "POL")])
    uid = world.uids()["POL-26-9"]
    yield "GET /v1/requests/{uid}", world.get(f"/requests/{uid}")
    changed = row("POL-26-9", "POL", quantity=6)
    put = world.call("PUT", f"/requests/{uid}", json=changed, version=1)
    yield "PUT /v1/requests/{uid}", put
    gone = world.call("DELETE", f"/requests/{uid}", version=2)
    yield "DELETE /v1/requests/{uid}", gone
    yield from _of_proposals(world)
    yield from _of_the_rest(world)


def _of_proposals(world: World) -> Iterator[tuple[str, Any]]:
    wanted = {"all_open": True, "policy": "nato-all", "as_of": "2026-01-05"}
    wait = {"Prefer": "wait=60"}
    world.built.api.state.enqueue = lambda _: None
    queued = world.post("/proposals", wanted)
    yield "POST /v1/proposals", queued
    path = f"/proposals/{queued.json()['proposal_id']}"
    stopped = world.call("DELETE", f"{path}/run")
    yield "DELETE /v1/proposals/{proposal_id}/run", stopped
    world.built.api.state.enqueue = lambda one: world.run(one)
    done = world.post("/proposals", wanted, headers=wait)
    yield "POST /v1/proposals", done
    path = f"/proposals/{done.json()['proposal_id']}"
    name = done.json()["bins"][0]["bin_id"]
    call = "GET /v1/proposals/{proposal_id}"
    yield "GET /v1/proposals", world.get("/proposals?limit=1")
    yield call, world.get(path)
    yield f"{call}/export", world.get(f"{path}/export")
    yield f"{call}/bins", world.get(f"{path}/bins?limit=1")
    beside = world.get(f"{path}/bins/{name}/alternatives")
    yield f"{call}/bins/{{bin_id}}/alternatives", beside
    edit = {"edits": [{"op": "take_out", "request_id": "LTU-26-1"}]}
    post = "POST /v1/proposals/{proposal_id}"
    yield f"{post}/preview", world.post(f"{path}/preview", edit)
    saved = {**edit, "reason": "Not ready before spring."}
    yield f"{post}/edits", world.post(f"{path}/edits", saved, version=1)
    yield f"{call}/edits", world.get(f"{path}/edits")
    yield from _of_sheets(world, path)
    alone = world.read(f"{path}/bins?limit=1000")["items"][-1]
    many = {
        "decision": "return",
        "reason": "Not before summer.",
        "bins": [{one: alone[one] for one in ("bin_id", "version")}],
    }
    for query in ("?dry_run=true", ""):
        yield f"{post}/decisions", world.post(f"{path}/decisions{query}", many)
    release = world.post(f"{path}/bins/{name}/releases", {"level": 1}, version=3)
    yield f"{post}/bins/{{bin_id}}/releases", release
    said = {"decision": "accept", "reason": "Same configuration, same quarter."}
    world.post(f"{path}/bins/{name}/decisions", said, version=3)
    yield f"{call}/bins/{{bin_id}}", world.get(f"{path}/bins/{name}")
    yield f"{call}/decisions", world.get(f"{path}/decisions")
    uid = world.uids()["EST-26-1"]
    changed = {**BALTIC[0], "quantity": 6}
    world.call("PUT", f"/requests/{uid}", json=changed, version=1)
    yield "GET /v1/reviews", world.get("/reviews")
    resolved = world.post(f"{path}/resolve", {}, headers=wait)
    yield f"{post}/resolve", resolved
    world.built.api.state.enqueue = lambda _: None
    path = f"/proposals/{resolved.json()['proposal_id']}"
    yield f"{post}/resolve", world.post(f"{path}/resolve", {})


def _of_sheets(world: World, path: str) -> Iterator[tuple[str, Any]]:
    """Send a sheet back that has another request by itself too."""
    call, headers = f"{path}/sheet", {"Content-Type": "text/csv"}
    lines = world.get(f"{call}?format=csv").text.splitlines()
    header, *rows = [line.split(",") for line in lines]
    for row_ in rows:
        if row_[0] == "LVA-26-1":
            row_[header.index("bin")] = "Latvia later"
    sheet = "\n".join(",".join(cells) for cells in (header, *rows)).encode()
    for query in ("?dry_run=true", "?reason=Not ready before summer."):
        answer = world.call("POST", call + query, content=sheet, headers=headers)
        yield "POST /v1/proposals/{proposal_id}/sheet", answer


def _of_the_rest(world: World) -> Iterator[tuple[str, Any]]:
    yield "GET /v1/policies", world.get("/policies")
    policy = world.get("/policies/by-country")
    yield "GET /v1/policies/{name}", policy
    table = {**policy.json()["policy"], "title": "Every country by itself"}
    put = world.call("PUT", "/policies/by-country", json=table, version=1)
    yield "PUT /v1/policies/{name}", put
    table["name"] = "ours"
    yield "PUT /v1/policies/{name}", world.call("PUT", "/policies/ours", json=table)
    wanted = {"name": "Poland's feed", "role": "batch", "customers": ["POL"]}
    made = world.post("/keys", wanted)
    yield "POST /v1/keys", made
    yield "GET /v1/keys", world.get("/keys")
    revoked = world.call("DELETE", f"/keys/{made.json()['key_id']}")
    yield "DELETE /v1/keys/{key_id}", revoked
    person = {
        "name": "A. Approver",
        "role": "approver",
        "issuer": "https://login.example.org",
        "subject": "248289761001",
    }
    account = world.post("/accounts", person)
    yield "POST /v1/accounts", account
    yield "GET /v1/accounts", world.get("/accounts")
    world.done("/keys", {"name": "Anna", "role": "analyst"})
    second = world.done("/keys", {"name": "Otto", "role": "admin"})["key"]
    path = f"/accounts/{world.done('/keys', wanted)['account_id']}/role"
    for way, wanted_role in (("confirm", "approver"), ("refuse", "auditor")):
        asked = world.call("PUT", path, json={"role": wanted_role})
        yield "PUT /v1/accounts/{account_id}/role", asked
        yield "GET /v1/grants", world.get("/grants")
        grant = f"/grants/{asked.json()['grant_id']}"
        settled = world.post(f"{grant}/{way}", key=second)
        yield f"POST /v1/grants/{{grant_id}}/{way}", settled
    changed = world.call("PUT", path, json={"role": "analyst", "regions": ["Baltic"]})
    yield "PUT /v1/accounts/{account_id}/role", changed
    ended = world.call("DELETE", f"/accounts/{account.json()['account_id']}")
    yield "DELETE /v1/accounts/{account_id}", ended
    yield "GET /healthz", world.get("/healthz")
    yield "GET /readyz", world.get("/readyz")
    yield "GET /v1/audit", world.get("/audit?limit=1&action=bin.accept")
    yield "GET /v1/audit/{seq}", world.get("/audit/2")
    yield "GET /v1/audit/verify", world.get("/audit/verify")


def made() -> dict[str, Any]:
    """Return an example of each answer: call and status, as one name."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, Desk() as desk:
        path = Path(folder)
        with World(f"sqlite:///{path / 'a.db'}", path, desk) as world:
            for call, answer in asked(world):
                assert answer.status_code < 300, (call, answer.text)
                said = answer.json()
                said.pop("certificate", None)
                for name in ("bins", "items"):
                    if isinstance(said.get(name), list):
                        said[name] = said[name][:1]
                found[f"{call} {answer.status_code}"] = said
    return found


if __name__ == "__main__":
    text = json.dumps(made(), ensure_ascii=False, indent=1)
    hidden = _KEY.sub("fms_0123456789ab_shown-once", text)
    FILE.write_text(hidden + "\n", encoding="utf-8")
