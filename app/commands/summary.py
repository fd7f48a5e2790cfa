"""A proposal in words and tables, short enough to read."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from rich.table import Table

from app.commands.screen import say, show, table
from app.export.document import Document
from app.export.numbers import days, percent, signed_days, whole
from app.export.receipt import verdict

ASSUMPTIONS: Final = (
    "Effort and waiting figures are the policy's assumptions, not measurements: low "
    "and high show how far they may be off."
)
MOST_BINS: Final = 60

_REASON_WORDS: Final = {
    "category": "the customer's category is another, or none",
    "system": "no near request for an interoperable system",
    "region": "regions are not near enough",
    "agency": "another implementing agency",
    "document": "another document is asked for",
    "window": "received too many days apart",
    "wait": "one would wait longer than its priority allows",
    "kept_apart": "kept apart by a customer, a ruling or the policy",
    "limits": "every bin it could join is over a limit",
    "cost": "sharing would cost more than it saves",
    "only_request": "the only request of the batch",
    "others_fixed": "all other requests are in accepted bins",
}


def print_summary(document: Document) -> None:
    """Print what a proposal comes to."""
    bins = _Bins(document["bins"])
    policy = document["policy"]
    say(f"Proposal {document['proposal_id']}, as of {document['as_of']}")
    say(f"Policy {policy['name']}: {policy['title']}")
    say(
        f"{whole(document['input']['requests'])} requests: "
        f"{whole(bins.together)} in {whole(bins.combined)} combined reviews, "
        f"{whole(bins.alone)} alone"
    )
    if bins.shown:
        say()
        show(_bins_table(bins.shown))
        if bins.combined > MOST_BINS:
            say(f"… and {whole(bins.combined - MOST_BINS)} more combined reviews")
    say()
    show(_totals_table(document))
    _print_alone(bins.reasons)
    _print_warnings(bins.warnings, len(document["fragmentation"]))
    say()
    say(verdict(document))
    say(ASSUMPTIONS)


class _Bins:
    """What the summary says of bins, which are read once."""

    def __init__(self, bins: Iterable[Document]) -> None:
        self.combined = self.together = self.alone = 0
        self.shown: list[Document] = []
        self.reasons: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        for bin_ in bins:
            self.warnings.update(warning["code"] for warning in bin_["warnings"])
            if len(bin_["request_ids"]) == 1:
                self.alone += 1
                reasons = bin_.get("alone_because", ())
                self.reasons.update(reason["code"] for reason in reasons)
                continue
            self.combined += 1
            self.together += len(bin_["request_ids"])
            if len(self.shown) < MOST_BINS:
                self.shown.append(bin_)


def _bins_table(combined: list[Document]) -> Table:
    return table(
        (
            ("Bin", True),
            ("Starts", True),
            ("Requests", False),
            ("Customers", False),
            ("Systems", False),
            ("Saves", True),
            ("low to high", True),
            ("Waits", True),
            ("Forecast", True),
        ),
        (
            (
                bin_["bin_id"],
                bin_["starts_on"],
                ", ".join(bin_["request_ids"]),
                ", ".join(bin_["customers"]),
                ", ".join(bin_["systems"]),
                days(bin_["saved_effort_days"]),
                f"{days(bin_['saved_effort_days_low'])} to "
                f"{days(bin_['saved_effort_days_high'])}",
                f"{whole(max(bin_['wait_days'].values()))} d",
                bin_["forecast_on"],
            )
            for bin_ in combined
        ),
    )


def _totals_table(document: Document) -> Table:
    objective = document["objective"]
    saved = objective["saved_effort_days"]
    baseline = objective["baseline_effort_days"]
    rows = [
        (
            "Country by country",
            days(baseline),
            days(objective["baseline_effort_days_low"]),
            days(objective["baseline_effort_days_high"]),
            days(0),
            days(objective["baseline_total"]),
        ),
        (
            "This proposal",
            days(objective["effort_days"]),
            days(objective["effort_days_low"]),
            days(objective["effort_days_high"]),
            days(objective["wait_cost"]),
            days(objective["total"]),
        ),
        (
            f"Saved ({percent(saved / baseline if baseline else 0.0)} of effort)",
            days(saved),
            days(objective["saved_effort_days_low"]),
            days(objective["saved_effort_days_high"]),
            signed_days(-objective["wait_cost"]),
            days(objective["baseline_total"] - objective["total"]),
        ),
    ]
    return table(
        (
            ("Staff-days", False),
            ("Effort", True),
            ("low", True),
            ("high", True),
            ("Waiting", True),
            ("Total", True),
        ),
        rows,
    )


def _print_alone(codes: Counter[str]) -> None:
    if not codes:
        return
    say()
    say("Why requests are alone (a request may have several reasons):")
    for code, count in sorted(codes.items(), key=lambda entry: (-entry[1], entry[0])):
        say(f"  {whole(count):>6}  {code}: {_REASON_WORDS.get(code, code)}")


def _print_warnings(codes: Counter[str], fragmented: int) -> None:
    if fragmented:
        codes["fragmentation"] = fragmented
    if not codes:
        return
    say()
    say("Warnings to read before anything is decided:")
    for code, count in sorted(codes.items(), key=lambda entry: (-entry[1], entry[0])):
        say(f"  {whole(count):>6}  {code}")
