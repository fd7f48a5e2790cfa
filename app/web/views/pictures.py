"""A plan in three pictures, each with the table of what it shows."""

import json
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection

from app.catalogue import load_catalogue, read_table
from app.export.pictures.together import shared_reviews
from app.storage import bin_table, proposals

MOST_LANES: Final = 30
"""Combined reviews drawn in the timeline; the others are in the table of bins."""

MOST_LINES: Final = 60
"""Lines of the timeline up to which each request has its own; else each bin has one."""

MOST_PAIRS: Final = 100
"""Pairs of customers listed: those that share most."""

MOST_EDGES: Final = 60
"""Pairs of customers drawn, likewise; more could not be told apart."""


@dataclass(slots=True, kw_only=True)
class Place:
    """What a plan means for one customer."""

    code: str
    name: str
    region: str
    number: str  # ISO 3166, as the map names countries
    requests: int = 0
    together: int = 0
    bins: int = 0
    share: float = 0.0
    earlier: int = 0
    later: int = 0
    partners: set[str] = field(default_factory=set)


def pictures(connection: Connection, row: proposals.Row) -> dict[str, Any]:
    """Return what the page of pictures says."""
    found = bin_table.page(
        connection,
        row.proposal_id,
        filters={"together": "yes"},
        sort="saved",
        descending=True,
        offset=0,
        limit=None,
    )
    combined = [json.loads(one.document) for one in found]
    lanes = combined[:MOST_LANES]
    pairs = shared_reviews(
        [(one["bin_id"], tuple(one["customers"])) for one in combined]
    )
    places = _places(connection, row, combined)
    requests = _timeline(connection, row, lanes)
    edges = pairs[:MOST_EDGES]
    drawn = {code for pair in edges for code in (pair.first, pair.second)}
    names = {one.code: one.name for one in places}
    return {
        "lanes": requests,
        "lines": requests if len(requests) <= MOST_LINES else _whole_bins(requests),
        "lanes_most": MOST_LANES,
        "lanes_total": len(combined),
        "as_of": row.as_of,
        "places": places,
        "pairs": pairs[:MOST_PAIRS],
        "pairs_total": len(pairs),
        "names": names,
        "map_data": [_mapped(one) for one in places],
        "graph_data": {
            "nodes": [
                {"id": one.code, "name": one.name, "requests": one.requests}
                for one in places
                if one.code in drawn
            ],
            "edges": [
                {"from": pair.first, "to": pair.second, "bins": len(pair.bin_ids)}
                for pair in edges
            ],
        },
    }


def _timeline(
    connection: Connection, row: proposals.Row, lanes: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    labels = [label for one in lanes for label in one["request_ids"]]
    asked = {
        one.label: json.loads(one.content)
        for one in bin_table.contents(connection, row.proposal_id, labels)
    }
    return [
        {
            "bin_id": one["bin_id"],
            "line": f"{one['bin_id']}  {asked[label]['customer']}  {label}",
            "request_id": label,
            "customer": asked[label]["customer"],
            "system": asked[label]["system"],
            "ready_on": max(asked[label]["received_on"], row.as_of),
            "starts_on": one["starts_on"],
            "forecast_on": one["forecast_on"],
            "solo_forecast_on": one["solo_forecast_on"][label],
            "wait": one["wait_days"][label],
            "needed_by": asked[label]["needed_by"],
            "saved": one["saved_effort_days"],
        }
        for one in lanes
        for label in one["request_ids"]
    ]


def _whole_bins(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line for each bin, from the first request that is ready."""
    found = []
    for bin_id, grouped in groupby(lines, key=itemgetter("bin_id")):
        own = [*grouped]
        needed = [one["needed_by"] for one in own if one["needed_by"]]
        found.append(
            {
                **own[0],
                "line": f"{bin_id}  {len(own)} requests",
                "request_id": f"{len(own)} requests",
                "customer": ", ".join(sorted({one["customer"] for one in own})),
                "system": ", ".join(sorted({one["system"] for one in own})),
                "ready_on": min(one["ready_on"] for one in own),
                "solo_forecast_on": None,
                "needed_by": min(needed, default=None),
            }
        )
    return found


def _places(
    connection: Connection, row: proposals.Row, combined: list[dict[str, Any]]
) -> list[Place]:
    """Return what the plan means for each customer.

    Who is alone shares nothing and waits for nobody: only the bins are counted.
    """
    customers = load_catalogue().customers
    places: dict[str, Place] = {}
    owner = {
        label: customer
        for label, (customer, _) in proposals.labels(
            connection, row.proposal_id
        ).items()
    }
    for code in sorted(set(owner.values())):
        known = customers[code]
        places[code] = Place(
            code=code,
            name=known.name,
            region=known.planning_region,
            number=_numbers().get(code, ""),
        )
    for code, bins in bin_table.alone(connection, row.proposal_id).items():
        places[code].requests += bins
        places[code].bins += bins
    for one in combined:
        for label in one["request_ids"]:
            place = places[owner[label]]
            place.requests += 1
            place.together += 1
            place.earlier += one["days_gained"][label] > 0
            place.later += one["days_gained"][label] < 0
        for code in one["customers"]:
            place = places[code]
            place.bins += 1
            place.share += one["fair_share"].get(code, 0.0)
            place.partners.update(set(one["customers"]) - {code})
    return sorted(places.values(), key=lambda one: (-one.share, one.code))


def _mapped(one: Place) -> dict[str, Any]:
    return {
        "code": one.code,
        "name": one.name,
        "number": one.number,
        "requests": one.requests,
        "together": one.together,
        "share": round(one.share, 1),
    }


@cache
def _numbers() -> dict[str, str]:
    return {
        one["iso3166_alpha3"]: one["iso3166_numeric"]
        for one in read_table("countries.csv")
        if one["iso3166_numeric"]
    }
