"""Decide many bins at once: tick them, look at the effect, do it, or take it back."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import RedirectResponse, Response

from app.api.proposals import ProposalId
from app.storage import bin_table
from app.use_cases.access import Permission
from app.use_cases.decide import Decision
from app.use_cases.decide_many import MOST, Seen, decide_many, effect, take_back
from app.use_cases.read_proposals import shown_state
from app.use_cases.refusals import Conflict, NotAcceptable, NotAllowed, Refusal
from app.web.bin_page import finished
from app.web.deciding import decision_of
from app.web.door import KEY, Sees, Visit
from app.web.forms import Form
from app.web.links import with_query
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.effect import effect_view, outcome_view

FILTERS: Final = ("system", "region", "customer", "category", "together")
"""What the table can be filtered by beside the state, and its columns in the store."""

_COLUMNS: Final = {"system": "systems", "region": "regions", "customer": "customers"}
_SEEN: Final = re.compile(r"([A-Za-z0-9-]{1,32}):([0-9]{1,9})")

router = APIRouter(route_class=PageRoute)


@router.post("/proposals/{proposal_id}/decisions/preview")
def post_preview(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.DECIDE))],
) -> Response:
    """Show what a decision on many bins would do; nothing is saved."""
    return _previewed(visit, proposal_id)


def _previewed(
    visit: Visit, proposal_id: str, refusal: Refusal | None = None
) -> Response:
    form, said = visit.form, None
    decision: Decision | None = None
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        seen = _chosen(visit, proposal_id)
        try:
            decision = decision_of(form)
            found = effect(
                visit.service,
                connection,
                visit.caller,
                proposal_id,
                seen,
                decision.decision,
            )
            said = effect_view(connection, proposal_id, found, decision.decision)
        except (NotAcceptable, Conflict) as wrong:
            refusal = refusal or wrong
    return draw(
        visit,
        "many.html.j2",
        200 if refusal is None else refusal.status,
        one=shown_state(row),
        tab="bins",
        form=form,
        wrong="" if refusal is None else refusal.detail,
        seen=_text_of(seen),
        chosen=len(seen),
        decision=decision,
        said=said,
        back=_back(proposal_id, form),
        filters={name: form.text(name) for name in FILTERS},
    )


@router.post("/proposals/{proposal_id}/decisions")
def post_decisions(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.DECIDE))],
) -> Response:
    """Decide the bins in the versions that were seen, and show what was done."""
    try:
        wanted = decision_of(visit.form)
        seen = _read(visit.form.text("seen").split())
        decide_many(visit.service, visit.call, proposal_id, seen, wanted)
    except (NotAcceptable, NotAllowed, Conflict) as refusal:
        return _previewed(visit, proposal_id, refusal)
    return _to_outcome(proposal_id, visit)


@router.get("/proposals/{proposal_id}/decisions")
def get_decisions(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.DECIDE))],
    done: Annotated[str, Query(max_length=255)] = "",
) -> Response:
    """Show what the visitor decided at once, and what was set aside."""
    made = _made(visit, proposal_id, done)
    if made is None:
        return RedirectResponse(f"/proposals/{proposal_id}/bins?state=open", 303)
    return _outcome(visit, proposal_id, made, done)


@router.post("/proposals/{proposal_id}/decisions/back")
def post_back(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.DECIDE))],
) -> Response:
    """Take back what the visitor decided at once, where nobody was there since."""
    done = visit.form.text("done")
    made = _made(visit, proposal_id, done)
    if made is None:
        raise NotAcceptable("The form names nothing that you decided. Load it again.")
    try:
        take_back(visit.service, visit.call, proposal_id, made)
    except (NotAcceptable, NotAllowed, Conflict) as refusal:
        return _outcome(visit, proposal_id, made, done, refusal)
    return _to_outcome(proposal_id, visit)


def _outcome(
    visit: Visit,
    proposal_id: str,
    made: dict[str, Any],
    done: str,
    refusal: Refusal | None = None,
) -> Response:
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        said = outcome_view(visit.service, connection, visit.caller, row, made)
    return draw(
        visit,
        "many_done.html.j2",
        200 if refusal is None else refusal.status,
        one=shown_state(row),
        tab="bins",
        made=made,
        done=done,
        wrong="" if refusal is None else refusal.detail,
        **said,
    )


def _to_outcome(proposal_id: str, visit: Visit) -> Response:
    there = f"/proposals/{proposal_id}/decisions"
    return RedirectResponse(with_query(there, {"done": visit.form.text(KEY)}), 303)


def _made(visit: Visit, proposal_id: str, done: str) -> dict[str, Any] | None:
    """Return what a form of the visitor decided; None where it decided nothing."""
    first = visit.service.answer_to(visit.caller, done) if done else None
    said = None if first is None else first.value()
    if not isinstance(said, dict) or "aside" not in said:
        return None
    return said if said["proposal_id"] == proposal_id else None


def _chosen(visit: Visit, proposal_id: str) -> Seen:
    """Return the bins a form chooses, with the versions they were seen in."""
    form = visit.form
    if form.text("which") != "matching":
        return _read([*form.text("seen").split(), *form.all("bins")])
    filters = {
        _COLUMNS.get(name, name): form.text(name) for name in FILTERS if form.text(name)
    }
    with visit.service.reading() as connection:
        return bin_table.versions(
            connection, proposal_id, {**filters, "state": "open"}, limit=MOST + 1
        )


def _read(said: list[str]) -> Seen:
    """Return bins with their versions from how a form says them.

    Raises
    ------
    NotAcceptable
        When it says none.
    """
    found = [_SEEN.fullmatch(one) for one in said]
    if not all(found):
        raise NotAcceptable("The form names bins in no version. Load the page again.")
    return {one[1]: int(one[2]) for one in found if one is not None}


def _text_of(seen: Seen) -> str:
    return " ".join(f"{name}:{version}" for name, version in seen.items())


def _back(proposal_id: str, form: Form) -> str:
    query = {name: form.text(name) for name in FILTERS}
    return with_query(f"/proposals/{proposal_id}/bins", {"state": "open", **query})
