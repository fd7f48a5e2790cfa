"""Bad calls of every kind beside files, and what a refusal says."""

from typing import Any, Final

from tests.service.bad_files import Bad, as_json
from tests.service.world import ABSENT, BALTIC

PREVIEW: Final = f"/proposals/{ABSENT}/preview"
DECIDE: Final = f"/proposals/{ABSENT}/bins/B001/decisions"


def body(name: str, path: str, content: Any, *words: str, **more: Any) -> Bad:
    """Return a bad JSON body of a call."""
    raw = content if isinstance(content, bytes) else as_json(content)
    return Bad(name=name, kind="json", content=raw, path=path, words=words, **more)


CALLS: Final = (
    Bad(
        name="63",
        content=as_json([BALTIC[0]]),
        headers={"Content-Type": "text/plain"},
        statuses=(415,),
    ),
    Bad(
        name="64",
        kind="json",
        content=as_json([BALTIC[0]]),
        headers={"Content-Encoding": "gzip"},
        statuses=(400, 415),
    ),
    body(
        "68 without If-Match",
        DECIDE,
        {"decision": "accept"},
        statuses=(404, 428),
    ),
    body(
        "69",
        DECIDE,
        {"decision": "approve!"},
        "accept",
        "return",
        "reject",
        headers={"If-Match": '"1"'},
    ),
    Bad(name="69 DELETE", method="DELETE", path="/audit/1", statuses=(404, 405)),
    Bad(name="69 PUT", method="PUT", path="/audit", statuses=(405,)),
    body("70", DECIDE, {"decision": "reject"}, headers={"If-Match": '"1"'}),
    body(
        "70 blank",
        DECIDE,
        {"decision": "reject", "reason": "\u200b \u200b \u200b"},
        headers={"If-Match": '"1"'},
    ),
    body(
        "70 short",
        DECIDE,
        {"decision": "return", "reason": "no"},
        headers={"If-Match": '"1"'},
    ),
    body(
        "70 long",
        DECIDE,
        {"decision": "return", "reason": "no" * 2000},
        headers={"If-Match": '"1"'},
    ),
    Bad(
        name="71",
        method="GET",
        path=f"/proposals/{ABSENT}/bins/..%2f..%2fetc",
        statuses=(404, 422),
    ),
    *(
        Bad(name=f"72 {given}", method="GET", path=f"/batches?limit={given}")
        for given in ("0", "-1", "1e9", "1001", "x", "", "٣", "5&limit=6")
    ),
    Bad(name="72 unknown", method="GET", path="/batches?limits=5", words=("limit?",)),
    Bad(name="72 dry", path="/batches?dry_run=maybe", kind="json", content=b"[]"),
    Bad(name="72 state", method="GET", path="/requests?state=gone"),
    Bad(name="72 customer", method="GET", path="/requests?customer=Estonia"),
    Bad(
        name="73 long header",
        method="GET",
        headers={"X-Long": "x" * (64 << 10)},
        statuses=(400, 431),
    ),
    Bad(
        name="73 many headers",
        method="GET",
        headers={f"X-{n}": "x" for n in range(10_000)},
        statuses=(400, 431),
    ),
    Bad(name="73 address", method="GET", path=f"/x{'y' * 9000}", statuses=(414,)),
    Bad(
        name="75 no algorithm",
        method="GET",
        key="eyJhbGciOiJub25lIn0.e30.",
        statuses=(401,),
    ),
    Bad(name="75 no key", method="GET", key="", statuses=(401,)),
    Bad(
        name="75 in the query",
        method="GET",
        key="",
        path="/batches?key=fms_x",
        statuses=(401,),
    ),
    Bad(
        name="75 another scheme",
        method="GET",
        headers={"Authorization": "Basic Zm1zOng="},
        statuses=(401,),
    ),
    Bad(
        name="76",
        method="GET",
        path=f"/batches/{ABSENT}",
        statuses=(404,),
    ),
    Bad(
        name="77",
        method="GET",
        headers={"Host": "allybin.example.org"},
        statuses=(400, 421),
    ),
    Bad(
        name="85",
        method="PUT",
        path="/policies/mine",
        headers={"Content-Type": "application/toml"},
        content=b'name = "mine"\ntitle = "x"\n[wait_cost]\nroutine = -1\n'
        b"priority = 0.1234\nurgent = 1e30\n",
        words=("wait_cost.routine", "wait_cost.priority", "wait_cost.urgent"),
    ),
    Bad(
        name="81 repeated key",
        method="PUT",
        path="/policies/mine",
        headers={"Content-Type": "application/toml"},
        content=b'name = "mine"\nname = "mine"\n',
        statuses=(400, 422),
    ),
    Bad(
        name="81 large",
        method="PUT",
        path="/policies/mine",
        headers={"Content-Type": "application/toml"},
        content=b"# " + b"x" * (2 << 20),
        statuses=(413, 422),
    ),
    Bad(
        name="policy as text",
        method="PUT",
        path="/policies/mine",
        headers={"Content-Type": "text/csv"},
        content=b"x",
        statuses=(415,),
    ),
    Bad(
        name="policy as a list",
        method="PUT",
        path="/policies/mine",
        kind="json",
        content=b"[]",
    ),
    body("no scope", "/proposals", {}, "batch_ids"),
    body("both scopes", "/proposals", {"all_open": True, "batch_ids": [ABSENT]}),
    body("unknown key", "/proposals", {"all_open": True, "polcy": "x"}, "polcy"),
    body("yes as 1", "/proposals", {"all_open": 1}),
    body("no such day", "/proposals", {"all_open": True, "as_of": "2026-02-30"}),
    body("old day", "/proposals", {"all_open": True, "as_of": "1999-01-01"}),
    body("gap", "/proposals", b'{"all_open": true, "gap": 1e999}'),
    body("gap of NaN", "/proposals", b'{"all_open": true, "gap": NaN}'),
    body("gap too wide", "/proposals", {"all_open": True, "gap": 2}),
    body("no time", "/proposals", {"all_open": True, "time_limit_s": 0}),
    body("long time", "/proposals", {"all_open": True, "time_limit_s": 86_400}),
    body("time as text", "/proposals", {"all_open": True, "time_limit_s": "5"}),
    body("no such policy", "/proposals", {"all_open": True, "policy": "nato"}),
    body("nothing open", "/proposals", {"all_open": True}),
    body("key twice", "/proposals", b'{"all_open": true, "ALL_OPEN": true}', "twice"),
    body("deep", "/proposals", b"[" * 100_000, statuses=(400,)),
    body("half a character", "/proposals", b'{"policy": "\\ud800"}'),
    body("NUL", "/proposals", b'{"policy": "\\u0000"}'),
    body("a mark", "/proposals", b'\xef\xbb\xbf{"all_open": true}', statuses=(400,)),
    body("not UTF-8", "/proposals", b'{"policy": "\xff"}', statuses=(400,)),
    body("large", "/proposals", b" " * (2 << 20), statuses=(413,)),
    body("no batch", "/proposals", {"batch_ids": [ABSENT]}, statuses=(404,)),
    body("unknown op", PREVIEW, {"edits": [{"op": "burn"}]}, "move"),
    body("no edits", PREVIEW, {"edits": []}),
    body("no op", PREVIEW, {"edits": [{}]}),
    body("edits as text", PREVIEW, {"edits": "undo"}),
    body("role", "/keys", {"name": "x", "role": "root"}),
    body("submitter of all", "/keys", {"name": "x", "role": "submitter"}),
    body(
        "submitter of two",
        "/keys",
        {"name": "x", "role": "submitter", "customers": ["EST", "LVA"]},
    ),
    body(
        "unknown customer",
        "/keys",
        {"name": "x", "role": "batch", "customers": ["Germny"]},
        "Germany",
    ),
    body(
        "auditor of one",
        "/keys",
        {"name": "x", "role": "auditor", "customers": ["EST"]},
    ),
    body(
        "analyst of no region",
        "/keys",
        {"name": "x", "role": "analyst", "regions": ["Atlantis"]},
        "Atlantis",
    ),
    body(
        "expired", "/keys", {"name": "x", "role": "admin", "expires_on": "2020-01-01"}
    ),
    body(
        "no such day to expire",
        "/keys",
        {"name": "x", "role": "admin", "expires_on": "2099-02-30"},
    ),
    body("no name", "/keys", {"name": "", "role": "admin"}),
    Bad(name="key of 256", kind="json", content=as_json([BALTIC[0]]),
        headers={"Idempotency-Key": "k" * 256}),
    Bad(name="key with a space", kind="json", content=as_json([BALTIC[0]]),
        headers={"Idempotency-Key": "a b"}),
    Bad(name="no such call", method="PATCH", path="/batches", statuses=(405,)),
    Bad(name="no such path", method="GET", path="/nowhere", statuses=(404,)),
)  # fmt: skip
