"""report.html: one page that opens offline and shows pictures first."""

import sys
from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, BinaryIO, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from app.export import numbers
from app.export.pictures import effort, timeline, together
from app.export.policy_words import (
    COORDINATION,
    StageNotes,
    coordination_words,
    elapsed_words,
    policy_words,
    rate_words,
    stage_names,
    stage_note,
    trigger_words,
)
from app.export.receipt import receipt_rows, verdict
from app.export.tables import Document
from optimizer.batch import Batch, Request
from optimizer.catalogue import Catalogue
from optimizer.policy import EffortCase, Policy

MOST_REVIEWS: Final = 1_000
"""Combined reviews listed in the page; the others are in the workbook."""
MOST_ALONE: Final = 2_000
"""Requests reviewed alone listed in the page."""
MOST_PAIRS: Final = 300
"""Pairs of customers listed behind the third picture."""
OPEN_UP_TO: Final = 12
"""Combined reviews up to which their members are shown without being asked for."""

WARNING_WORDS: Final[Mapping[str, str]] = {
    "joint_sum_crosses_threshold": "joint sum crosses a notification threshold",
    "mixed_notification_clocks": "mixed notification clocks",
    "greece_with_turkiye": "Greece with Türkiye",
    "enhanced_end_use_monitoring": "enhanced end-use monitoring",
    "needed_by_before_forecast": "needed before the forecast decision",
    "price_and_availability": "price and availability only",
    "needed_by_spread": "needed-by dates over a year apart",
    "known_only_by_default": "known only by a default",
}


def write_report(
    stream: BinaryIO,
    document: Document,
    batch: Batch,
    policy: Policy,
    catalogue: Catalogue,
    stages_notes: StageNotes,
) -> None:
    """Render the report as UTF-8; every text of the document is escaped."""
    view = _View(document, batch, catalogue)
    template = _environment().get_template("report.html.j2")
    chunks = template.generate(
        document=document,
        objective=document["objective"],
        headline=view.headline(),
        verdict=verdict(document),
        saving_range=view.saving_range(),
        cards=view.cards(),
        comparison=view.comparison(),
        warning_counts=view.warning_counts(),
        stages=_stages(document, policy, stages_notes),
        effort_picture=effort.draw(view.stage_efforts(policy)),
        timeline=view.timeline_figure(),
        together=view.together_figure(),
        reviews=[view.review(bin_) for bin_ in view.combined],
        reviews_total=view.combined_total,
        alone=[view.single(bin_) for bin_ in view.single_bins],
        alone_total=view.single_total,
        open_members=view.combined_total <= OPEN_UP_TO,
        policy_rows=policy_words(policy),
        receipt=receipt_rows(document),
    )
    for chunk in chunks:
        stream.write(chunk.encode())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("app.export", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        days=numbers.days,
        signed_days=numbers.signed_days,
        whole=numbers.whole,
        signed_whole=numbers.signed_whole,
        percent=numbers.percent,
        money=numbers.money,
        warning_word=_warning_word,
    )
    environment.globals["counted"] = numbers.counted
    return environment


def _warning_word(code: str) -> str:
    return WARNING_WORDS.get(code, code.replace("_", " "))


def _stages(
    document: Document, policy: Policy, notes: StageNotes
) -> list[dict[str, Any]]:
    """Return each stage's effort, rates and what its figures rest on."""
    objective = document["objective"]
    rules = {stage.id: stage for stage in policy.stages}
    rows = []
    for stage_id, name in stage_names(policy).items():
        stage = rules.get(stage_id)
        basis, confidence, source = stage_note(notes, stage_id)
        row = {
            "id": stage_id if stage else "",
            "name": name,
            "before": objective["baseline_effort_by_stage"][stage_id],
            "after": objective["effort_by_stage"][stage_id],
            "basis": basis,
            "confidence": confidence,
            "source": source,
        }
        if stage:
            row["concerns"] = trigger_words(stage)
            row["rates"] = {case.value: rate_words(stage, case) for case in EffortCase}
            row["lasts"] = elapsed_words(stage)
            row["discount"] = float(stage.precedent_discount)
        else:
            row["concerns"] = "reviews of two or more"
            row["rates"] = {
                case.value: coordination_words(policy, case) for case in EffortCase
            }
            row["lasts"] = f"{policy.coordination_elapsed_days} days"
            row["discount"] = 0.0
        rows.append(row)
    return rows


_day = cache(date.fromisoformat)


class _View:
    """What the page says, worked out of the document once."""

    def __init__(self, document: Document, batch: Batch, catalogue: Catalogue) -> None:
        self.document = document
        self.batch = batch
        self.catalogue = catalogue
        self.as_of = date.fromisoformat(document["as_of"])
        self.combined: list[Document] = []  # as many as are listed
        self.single_bins: list[Document] = []  # likewise
        self.most_saving: list[Document] = []  # as many as could be drawn
        self.combined_total = self.single_total = self.requests_together = 0
        self._wait_days = self._longest_wait = self._earlier = self._later = 0
        self._alone_starts: list[date] = []
        self._together: list[tuple[str, tuple[str, ...]]] = []
        self._warned: Counter[str] = Counter()
        for bin_ in document["bins"]:  # once: many bins are read one by one
            self._warned.update({warning["code"] for warning in bin_["warnings"]})
            if len(bin_["request_ids"]) > 1:
                self._note_combined(bin_)
            else:
                self._note_single(bin_)
        self._keep_most_saving()

    def _note_single(self, bin_: Document) -> None:
        self.single_total += 1
        if len(self.single_bins) < MOST_ALONE:
            self.single_bins.append(bin_)
        self._alone_starts.append(_day(bin_["starts_on"]))

    def _note_combined(self, bin_: Document) -> None:
        self.combined_total += 1
        if len(self.combined) < MOST_REVIEWS:
            self.combined.append(bin_)
        self.requests_together += len(bin_["request_ids"])
        waits, gained = bin_["wait_days"].values(), bin_["days_gained"].values()
        self._wait_days += sum(waits)
        self._longest_wait = max(self._longest_wait, *waits)
        self._earlier += sum(days > 0 for days in gained)
        self._later += sum(days < 0 for days in gained)
        customers = tuple(map(sys.intern, bin_["customers"]))
        self._together.append((bin_["bin_id"], customers))
        self.most_saving.append(bin_)
        if len(self.most_saving) > 100 * timeline.MOST_LANES:
            self._keep_most_saving()

    def _keep_most_saving(self) -> None:
        """Forget the reviews that cannot be drawn, for others save more."""
        ranks = sorted(
            enumerate(self.most_saving),
            key=lambda entry: (-entry[1]["saved_effort_days"], entry[1]["bin_id"]),
        )
        kept = sorted(place for place, _ in ranks[: timeline.MOST_LANES])
        self.most_saving = [self.most_saving[place] for place in kept]

    def headline(self) -> str:
        requests = numbers.counted(self.document["input"]["requests"], "request")
        reviews = numbers.counted(len(self.document["bins"]), "review")
        if not self.combined_total:
            return f"{requests}: every one is best reviewed alone"
        return f"{requests} become {reviews}"

    def saving_range(self) -> dict[str, Any]:
        objective = self.document["objective"]
        saved = objective["saved_effort_days"]
        baseline = objective["baseline_effort_days"]
        return {
            "saved": saved,
            "share": saved / baseline if baseline else 0.0,
            "low": objective["saved_effort_days_low"],
            "high": objective["saved_effort_days_high"],
        }

    def cards(self) -> list[tuple[str, str, str]]:
        """Return the key figures as (figure, what it is, beside what)."""
        objective = self.document["objective"]
        requests = self.document["input"]["requests"]
        together_ = self.requests_together
        mean_wait = self._wait_days / together_ if together_ else 0.0
        return [
            (
                numbers.whole(len(self.document["bins"])),
                "reviews",
                f"instead of {numbers.whole(requests)}, country by country",
            ),
            (
                numbers.days(objective["effort_days"]),
                "staff-days of effort",
                f"instead of {numbers.days(objective['baseline_effort_days'])}",
            ),
            (
                numbers.whole(together_),
                "requests reviewed together",
                f"in {numbers.counted(self.combined_total, 'combined review')}; "
                f"{numbers.whole(self.single_total)} stay alone",
            ),
            (
                numbers.whole(self._longest_wait),
                "days is the longest wait",
                f"{mean_wait:.0f} on average in combined reviews; "
                f"{numbers.whole(self._earlier)} decided earlier, "
                f"{numbers.whole(self._later)} later than alone",
            ),
        ]

    def comparison(self) -> list[tuple[str, str, str, str]]:
        """Return rows of (figure, country by country, proposal, change)."""
        objective = self.document["objective"]
        requests, bins = self.document["input"]["requests"], len(self.document["bins"])

        def row(name: str, before: float, after: float) -> tuple[str, str, str, str]:
            change = numbers.signed_days(round(after - before, 3))
            return (name, numbers.days(before), numbers.days(after), change)

        def cases(case: str) -> tuple[float, float]:
            return (
                objective[f"baseline_effort_days_{case}"],
                objective[f"effort_days_{case}"],
            )

        return [
            (
                "Reviews",
                numbers.whole(requests),
                numbers.whole(bins),
                numbers.signed_whole(bins - requests),
            ),
            row(
                "Effort, staff-days",
                objective["baseline_effort_days"],
                objective["effort_days"],
            ),
            row("Effort, low assumptions", *cases("low")),
            row("Effort, high assumptions", *cases("high")),
            row(
                "Cost of waiting, staff-day equivalents",
                round(
                    objective["baseline_total"] - objective["baseline_effort_days"], 3
                ),
                objective["wait_cost"],
            ),
            row(
                "Total cost, staff-days",
                objective["baseline_total"],
                objective["total"],
            ),
        ]

    def warning_counts(self) -> list[tuple[str, int]]:
        return sorted(self._warned.items(), key=lambda item: (-item[1], item[0]))

    def stage_efforts(self, policy: Policy) -> list[effort.StageEffort]:
        objective = self.document["objective"]
        return [
            effort.StageEffort(
                id="" if stage_id == COORDINATION else stage_id,
                name=name,
                before=objective["baseline_effort_by_stage"][stage_id],
                after=objective["effort_by_stage"][stage_id],
            )
            for stage_id, name in stage_names(policy).items()
        ]

    def timeline_figure(self) -> dict[str, Any]:
        """Return the second picture and what its caption counts."""
        lanes = timeline.choose_lanes([self._lane(bin_) for bin_ in self.most_saving])
        picture = timeline.draw(
            lanes,
            total=self.combined_total,
            alone=self._alone_starts,
            as_of=self.as_of,
        )
        shown = {lane.bin_id for lane in lanes}
        rows = [
            self.review(bin_) for bin_ in self.most_saving if bin_["bin_id"] in shown
        ]
        return {"picture": picture, "shown": len(lanes), "rows": rows}

    def _lane(self, bin_: Document) -> timeline.Lane:
        members = [self.batch[request_id] for request_id in bin_["request_ids"]]
        saved = bin_["saved_effort_days"]
        systems = ", ".join(bin_["systems"][:3])
        if len(bin_["systems"]) > 3:
            systems += " …"
        return timeline.Lane(
            bin_id=bin_["bin_id"],
            text=f"{systems}, saves {numbers.days(saved)} staff-days",
            starts_on=date.fromisoformat(bin_["starts_on"]),
            forecast_on=date.fromisoformat(bin_["forecast_on"]),
            saved=saved,
            members=tuple(
                timeline.Member(
                    customer=request.customer,
                    ready_on=self._ready_on(request),
                    solo_forecast_on=date.fromisoformat(
                        bin_["solo_forecast_on"][request.request_id]
                    ),
                    needed_by=request.needed_by,
                )
                for request in sorted(
                    members, key=lambda r: (self._ready_on(r), r.request_id)
                )
            ),
        )

    def _ready_on(self, request: Request) -> date:
        return max(request.received_on, self.as_of)

    def together_figure(self) -> dict[str, Any]:
        """Return the third picture, its least width, and the pairs behind it."""
        pairs = together.shared_reviews(self._together)
        codes = {code for pair in pairs for code in (pair.first, pair.second)}
        names = {code: self._name(code) for code in codes}
        picture, least_width = together.draw(pairs, names) if pairs else (Markup(), 0)
        return {
            "picture": picture,
            "least_width": least_width,
            "names": names,
            "pairs": pairs[:MOST_PAIRS],
            "pairs_total": len(pairs),
            "customers_total": len(codes),
            "customers_shown": min(len(codes), together.MOST_CUSTOMERS),
        }

    def _name(self, customer: str) -> str:
        return self.catalogue.customers[customer].name

    def review(self, bin_: Document) -> dict[str, Any]:
        """Return one combined review as its rows show it."""
        requests = [self.batch[request_id] for request_id in bin_["request_ids"]]
        return {
            "bin": bin_,
            "customers": [(code, self._name(code)) for code in bin_["customers"]],
            "longest_wait": max(bin_["wait_days"].values()),
            "value": sum(request.value_cents for request in requests) / 100,
            "shares": [
                (code, self._name(code), share)
                for code, share in bin_["fair_share"].items()
            ],
            "members": [
                {
                    "request": request,
                    "name": self._name(request.customer),
                    "ready_on": self._ready_on(request).isoformat(),
                    "needed_by": request.needed_by,
                    "extra": self._extra(request),
                }
                for request in requests
            ],
        }

    def single(self, bin_: Document) -> dict[str, Any]:
        """Return one request reviewed alone as its row shows it."""
        request = self.batch[bin_["request_ids"][0]]
        return {
            "bin": bin_,
            "request": request,
            "name": self._name(request.customer),
            "reasons": bin_.get("alone_because", ()),
            "extra": self._extra(request),
        }

    def _extra(self, request: Request) -> Mapping[str, str]:
        """Return the columns of a request that were kept as they came."""
        kept: Mapping[str, Mapping[str, str]] = self.document.get("extra_columns", {})
        return kept.get(request.request_id, {})
