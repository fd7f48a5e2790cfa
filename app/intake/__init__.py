"""Files in, requests out: strict, exact, and every fault named at once."""

from app.intake.canonical import (
    precedents_sha256,
    requests_sha256,
    rulings_sha256,
)
from app.intake.decode import Source
from app.intake.limits import Limits
from app.intake.plan_rows import PlanRow, read_plan_rows
from app.intake.read import (
    Intake,
    read_precedents,
    read_request_sources,
    read_requests,
)
from app.intake.records import Format
from app.intake.rulings import parse_rulings, read_rulings

__all__ = [
    "Format",
    "Intake",
    "Limits",
    "PlanRow",
    "Source",
    "parse_rulings",
    "precedents_sha256",
    "read_plan_rows",
    "read_precedents",
    "read_request_sources",
    "read_requests",
    "read_rulings",
    "requests_sha256",
    "rulings_sha256",
]
