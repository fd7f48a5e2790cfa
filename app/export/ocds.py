"""A proposal as a release package of the Open Contracting Data Standard 1.1.

A combined review makes no offer of its own: each request keeps its offer. So each
request is a contracting process, at the stage of planning, and each bin a planning
process that its requests come out of (``relatedProcesses``). docs/ocds.md has the
mapping field by field.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from app.export.numbers import counted, days
from app.export.tables import Document, dollars
from app.export.words import BIN_STATES
from optimizer.batch import Agency, Batch, Request
from optimizer.catalogue import Catalogue

VERSION: Final = "1.1"

NOTICE: Final = (
    "It supports administrative review only and decides nothing about releasability; "
    "effort figures are assumptions of the policy."
)

AGENCIES: Final[Mapping[Agency, str]] = {
    Agency.ARMY: "United States Department of the Army",
    Agency.NAVY: "United States Department of the Navy",
    Agency.AIR_FORCE: "United States Department of the Air Force",
    Agency.OTHER: "Another implementing agency of the United States",
}

type Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a package says beside the plan itself.

    Parameters
    ----------
    prefix
        The registered prefix of its process ids.
    publisher
        Who publishes it.
    keys
        Customer and own id of each request, by its label in the plan.
    bins
        Version, state and moment of the version of each bin.
    """

    proposal_id: str
    prefix: str
    publisher: str
    keys: Mapping[str, tuple[str, str]]
    bins: Mapping[str, tuple[int, str, str]]


def write_ocds(
    stream: BinaryIO,
    document: Document,
    batch: Batch,
    catalogue: Catalogue,
    told: Told,
) -> None:
    """Write a proposal as a release package, two releases a bin of one request."""
    package = ocds_package(document, batch, catalogue, told)
    stream.write(json.dumps(package, ensure_ascii=False, indent=1).encode())


def ocds_package(
    document: Document, batch: Batch, catalogue: Catalogue, told: Told
) -> Fields:
    """Return the release package of a proposal."""
    writing = _Writing(document, batch, catalogue, told)
    return {
        "uri": f"urn:uuid:{told.proposal_id}",
        "version": VERSION,
        "publishedDate": max(at for _, _, at in told.bins.values()),
        "publisher": {"name": told.publisher},
        "releases": [*writing.releases()],
    }


class _Writing:
    """A package being written."""

    def __init__(
        self, document: Document, batch: Batch, catalogue: Catalogue, told: Told
    ) -> None:
        self._document = document
        self._batch = batch
        self._catalogue = catalogue
        self._told = told

    def releases(self) -> Iterator[Fields]:
        """Yield each bin, and after it its requests."""
        for bin_ in self._document["bins"]:
            requests = [self._batch[label] for label in bin_["request_ids"]]
            yield self._of_bin(bin_, requests)
            for request in requests:
                yield self._of_request(bin_, request)

    def _of_bin(self, bin_: Document, requests: Sequence[Request]) -> Fields:
        customers = dict.fromkeys(request.customer for request in requests)
        agencies = dict.fromkeys(request.implementing_agency for request in requests)
        return {
            **self._heading(bin_, self._ocid_of_bin(bin_)),
            "parties": [
                *(self._customer(code) for code in customers),
                *(_agency(agency) for agency in agencies),
            ],
            "planning": {
                "rationale": self._rationale(bin_, len(requests)),
                "budget": {
                    "description": "Sum of the values that the customers stated",
                    "amount": _usd(sum(one.value_cents for one in requests)),
                },
                "milestones": self._milestones(bin_),
            },
        }

    def _of_request(self, bin_: Document, request: Request) -> Fields:
        customer, request_id = self._told.keys[request.request_id]
        name = self._catalogue.customers[customer].name
        title = f"{request.system} for {name}"
        value = _usd(request.value_cents)
        return {
            **self._heading(bin_, f"{self._told.prefix}-{customer}-{request_id}"),
            "parties": [self._customer(customer), _agency(request.implementing_agency)],
            "buyer": {"id": customer, "name": name},
            "planning": {
                "budget": {
                    "description": "Value that the customer stated",
                    "amount": value,
                },
                "milestones": _asked(request),
            },
            "tender": {
                "id": request_id,
                "title": title,
                "status": "planning",
                "procuringEntity": _reference(request.implementing_agency),
                "mainProcurementCategory": "goods",
                "value": value,
                "items": [_item(request)],
            },
            "relatedProcesses": [
                {
                    "id": "1",
                    "relationship": ["planning"],
                    "title": f"Review {bin_['bin_id']}",
                    "scheme": "ocid",
                    "identifier": self._ocid_of_bin(bin_),
                }
            ],
        }

    def _heading(self, bin_: Document, ocid: str) -> Fields:
        version, _, at = self._told.bins[bin_["bin_id"]]
        return {
            "ocid": ocid,
            "id": f"{self._told.proposal_id}-{bin_['bin_id']}-{version}",
            "date": at,
            "tag": ["planning"],
            "initiationType": "tender",
            "language": "en",
        }

    def _ocid_of_bin(self, bin_: Document) -> str:
        return f"{self._told.prefix}-{self._told.proposal_id}-{bin_['bin_id']}"

    def _customer(self, code: str) -> Fields:
        name = self._catalogue.customers[code].name
        return {
            "id": code,
            "name": name,
            "address": {"countryName": name},
            "roles": ["buyer"],
        }

    def _rationale(self, bin_: Document, count: int) -> str:
        if count == 1:
            said = f"Review of one request by itself: {days(bin_['effort_days'])} "
            return f"{said}staff-days. {NOTICE}"
        return (
            f"Combined review of {counted(count, 'request')}, each with an offer of "
            f"its own: {days(bin_['effort_days'])} staff-days instead of "
            f"{days(bin_['solo_effort_days'])}. {NOTICE}"
        )

    def _milestones(self, bin_: Document) -> list[Fields]:
        _, state, at = self._told.bins[bin_["bin_id"]]
        decided = state in ("accepted", "returned", "rejected")
        proposal: Fields = {
            "id": "bin-decision",
            "title": "Decision on the bin",
            "type": "approval",
            "code": state,
            "description": f"The bin is {BIN_STATES[state]}.",
            "status": "met" if decided else "scheduled",
        }
        if decided:
            proposal["dateMet"] = at
        return [
            {
                "id": "review-start",
                "title": "Start of the review",
                "type": "assessment",
                "dueDate": _moment(bin_["starts_on"]),
                "status": "scheduled",
            },
            {
                "id": "decision-forecast",
                "title": "Forecast of the decision on the requests",
                "type": "approval",
                "dueDate": _moment(bin_["forecast_on"]),
                "status": "scheduled",
            },
            proposal,
        ]


def _asked(request: Request) -> list[Fields]:
    found: list[Fields] = [
        {
            "id": "request-received",
            "title": "Request ready for review",
            "type": "preProcurement",
            "dateMet": _moment(request.received_on.isoformat()),
            "status": "met",
        }
    ]
    if request.needed_by is not None:
        found.append(
            {
                "id": "needed-by",
                "title": "Needed by the customer",
                "type": "delivery",
                "dueDate": _moment(request.needed_by.isoformat()),
                "status": "scheduled",
            }
        )
    return found


def _item(request: Request) -> Fields:
    item: Fields = {
        "id": "1",
        "description": request.configuration,
        "classification": {
            "scheme": "allybin-systems",
            "id": request.system,
            "description": request.system,
        },
    }
    if request.quantity is not None:
        item["quantity"] = request.quantity
    return item


def _reference(agency: Agency) -> Fields:
    return {"id": f"US-{agency}", "name": AGENCIES[agency]}


def _agency(agency: Agency) -> Fields:
    return {**_reference(agency), "roles": ["procuringEntity"]}


def _usd(cents: int) -> Fields:
    amount = dollars(cents)
    whole = amount == amount.to_integral_value()
    return {"amount": int(amount) if whole else float(amount), "currency": "USD"}


def _moment(day: str) -> str:
    return f"{day}T00:00:00Z"
