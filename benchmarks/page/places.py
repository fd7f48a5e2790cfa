"""The pages that are measured, of a plan that is there."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from benchmarks.service.calls import Calls


@dataclass(frozen=True, slots=True)
class Place:
    """A page: what it is called, and where it is."""

    name: str
    path: str

    @property
    def is_file(self) -> bool:
        """Whether it is a file to download, which no browser paints."""
        return self.path.endswith(".csv")


def places(calls: Calls, proposal_id: str, batch_id: str) -> list[Place]:
    """Return every page that shows the plan, its batch or what waits."""
    base = f"/proposals/{proposal_id}"
    first = _most_saving(calls, proposal_id)
    uid = calls.ask("GET", f"/batches/{batch_id}/requests?limit=1")["items"][0]["uid"]
    labels = first["request_ids"]
    why = f"r={quote(labels[0])}&s={quote(labels[1])}"
    customer, system = first["customers"][0], quote(first["systems"][0])
    return [
        Place("home", "/"),
        Place("requests", "/requests"),
        Place("requests of a customer", f"/requests?customer={customer}"),
        Place("a request", f"/requests/{uid}"),
        Place("batches", "/batches"),
        Place("the batch", f"/batches/{batch_id}"),
        Place("send", "/batches/new"),
        Place("proposals", "/proposals"),
        Place("ask for a proposal", "/proposals/new"),
        Place("the proposal", base),
        Place("pictures", f"{base}/pictures"),
        Place("bins", f"{base}/bins"),
        Place("bins of a system", f"{base}/bins?system={system}"),
        Place("bins by value", f"{base}/bins?sort=value"),
        Place("bins by age", f"{base}/bins?sort=received"),
        Place("bins, page 40", f"{base}/bins?sort=place&page=40"),
        Place("bins as CSV", f"{base}/bins.csv"),
        Place("a bin", f"{base}/bins/{first['bin_id']}"),
        Place("queue", f"{base}/queue"),
        Place("changes", f"{base}/changes"),
        Place("why not together", f"{base}/why"),
        Place("why not these two", f"{base}/why?{why}"),
    ]


def places_of_many(proposal_id: str) -> list[Place]:
    """Return pages of a plan with about as many bins as requests."""
    base = f"/proposals/{proposal_id}"
    return [
        Place("many bins", f"{base}/bins"),
        Place("many, filtered by age", f"{base}/bins?customer=POL&sort=received"),
        Place("many by value", f"{base}/bins?sort=value"),
        Place("many, page 90", f"{base}/bins?sort=place&page=90"),
        Place("pictures of many", f"{base}/pictures"),
    ]


def previews(calls: Calls, proposal_id: str, count: int) -> list[Place]:
    """Return previews of edits, each of another bin."""
    shown = calls.bins(proposal_id)
    combined = [one for one in shown if len(one["request_ids"]) > 1]
    found = []
    for one in combined[:count]:
        edit = {"op": "take_out", "request_id": one["request_ids"][0]}
        said = quote(json.dumps([edit], separators=(",", ":")))
        query = f"edits={said}&bin={one['bin_id']}"
        path = f"/proposals/{proposal_id}/changes/preview?{query}"
        found.append(Place(f"take one out of {one['bin_id']}", path))
    return found


def _most_saving(calls: Calls, proposal_id: str) -> Any:
    return max(calls.bins(proposal_id), key=lambda one: one["saved_effort_days"])
