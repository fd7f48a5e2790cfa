"""Conditions that queries join tables on, each said once."""

from sqlalchemy import ColumnElement, and_

from app.storage.schema import (
    bin_members,
    bin_versions,
    bins,
    proposal_requests,
    request_versions,
    requests,
)


def of_key() -> ColumnElement[bool]:
    """Return the condition that a request of a proposal is a stored request."""
    return and_(
        requests.c.customer == proposal_requests.c.customer,
        requests.c.request_id == proposal_requests.c.request_id,
    )


def of_version() -> ColumnElement[bool]:
    """Return the condition that a request of a proposal is a version of a request."""
    return and_(
        request_versions.c.customer == proposal_requests.c.customer,
        request_versions.c.request_id == proposal_requests.c.request_id,
        request_versions.c.version == proposal_requests.c.request_version,
    )


def of_label() -> ColumnElement[bool]:
    """Return the condition that a request of a proposal is a member of a bin."""
    return and_(
        bin_members.c.proposal_id == proposal_requests.c.proposal_id,
        bin_members.c.label == proposal_requests.c.label,
    )


def of_bin() -> ColumnElement[bool]:
    """Return the condition that a member is one of a bin."""
    return and_(
        bins.c.proposal_id == bin_members.c.proposal_id,
        bins.c.bin_id == bin_members.c.bin_id,
    )


def of_newest() -> ColumnElement[bool]:
    """Return the condition that a version of a bin is its newest."""
    return and_(
        bin_versions.c.proposal_id == bins.c.proposal_id,
        bin_versions.c.bin_id == bins.c.bin_id,
        bin_versions.c.version == bins.c.version,
    )
