"""Save changes by hand, all of a call or none, on the version that was priced."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from app.export.document import days
from app.jobs.desk import Desk
from app.jobs.orders import Priced
from app.storage import bins, proposals, rulings
from app.storage.figures import of_bin, of_plan
from app.storage.plain import ordered_text_of, text_of
from app.use_cases import clock
from app.use_cases.access import Caller
from app.use_cases.pricing import (
    Given,
    PricedOn,
    Shown,
    edit_to_undo,
    forbidden,
    is_undo,
    plan_of,
    priced_of,
    shown,
    standing_of,
)
from app.use_cases.read_proposals import require
from app.use_cases.refusals import Conflict, NotAcceptable, SomeoneWasFirst
from app.use_cases.restated import restated
from app.use_cases.results import bin_row, described
from app.use_cases.service import Answer, Call, Change, Service
from optimizer.rulings import Ruling


def save(
    service: Service,
    desk: Desk,
    call: Call,
    proposal_id: str,
    version: int,
    edits: Sequence[Given],
    reason: str | None,
) -> Answer:
    """Save edits, all of them or none, on the version the caller saw.

    Raises
    ------
    NotThere, SomeoneWasFirst, Conflict
        As their names say.
    NotAcceptable
        When an edit makes no sense, breaks a limit or goes against a ruling.
    """
    before = service.first_answer(call)
    if before is not None:
        return before
    thing = f"proposal/{proposal_id}"
    plan = plan_of(service, call.caller, proposal_id)
    undo = is_undo(edits)
    stale = plan.row.version != version
    priced = None if undo or stale else priced_of(service, desk, plan, edits)

    def act(connection: Connection, change: Change) -> Answer:
        row = require(connection, call.caller, proposal_id)
        if row.version != version:
            raise SomeoneWasFirst("proposal", current=row.version)
        if priced is not None and priced.refused:
            raise NotAcceptable(
                "The edits go against a limit or a ruling.", errors=forbidden(priced)
            )
        change.version_before, change.version_after = version, version + 1
        change.reason = reason
        saving = _Saving(connection, call.caller, proposal_id, version, reason)
        if priced is None:
            said = saving.undo()
        else:
            said = saving.apply(row, plan, priced, edits)
        change.before, change.after = saving.before, saving.after
        said |= {"proposal_id": proposal_id, "version": version + 1}
        return Answer.of(201, said, {"ETag": f'"{version + 1}"'})

    return service.change(call, "proposal.edit", thing, act)


class _Saving:
    """Edits being saved, in one transaction."""

    def __init__(
        self,
        connection: Connection,
        caller: Caller,
        proposal_id: str,
        version: int,
        reason: str | None,
    ) -> None:
        self.connection = connection
        self.account_id = caller.account_id
        self.proposal_id = proposal_id
        self.version = version
        self.reason = reason
        self.at = clock.now()
        self.states = bins.states(connection, proposal_id)
        self.stated = ""
        self.before: Shown = {}
        self.after: Shown = {}

    def apply(
        self,
        row: proposals.Row,
        plan: PricedOn,
        priced: Priced,
        edits: Sequence[Given],
    ) -> Shown:
        """Save edits that were priced on this very version."""
        seq = bins.last_edit(self.connection, self.proposal_id) + 1
        documents = {one["bin_id"]: one for one in priced.bins}
        concerned = (*priced.touched, *priced.gone)
        self._require_open(concerned)
        self._require_standing(plan)
        self.before = {name: [*plan.members[name]] for name in concerned}
        self.after = {name: [*ids] for name, ids in priced.members.items()}
        kept = {
            "heading": row.heading,
            "incumbent": row.incumbent,
            "bound": row.bound,
            "members": self.before,
            "documents": self._documents(concerned),
            "states": {name: self.states[name].state for name in concerned},
        }
        heading, bound = restated(row, plan, priced)
        self._next(heading, priced.cost_after, bound)
        self._shape(self.after, documents, priced.gone, change="edited")
        bins.add_edit(
            self.connection,
            proposal_id=self.proposal_id,
            seq=seq,
            version=self.version + 1,
            edits=text_of([one.model_dump() for one in edits]),
            before=ordered_text_of(kept),
            after=text_of(self.after),
            reason=self.reason,
            change=priced.change,
            stated_sha256=self.stated,
            at=self.at,
            account_id=self.account_id,
            undoes=None,
        )
        for left in priced.rulings:
            for ruling in left:
                self._add_ruling(ruling, seq)
        return {"edit": seq, **shown(priced)}

    def undo(self) -> Shown:
        """Take back the last edit: bins, figures and rulings are as before it."""
        last = edit_to_undo(self.connection, self.proposal_id)
        kept, after = json.loads(last.before), json.loads(last.after)
        members: dict[str, list[str]] = kept["members"]
        now = bins.members(self.connection, self.proposal_id)
        made = [name for name in after if name not in members]
        self._require_open(
            name
            for name in {*members, *after}
            if self.states[name].state != "dissolved"
        )
        if any(set(now.get(name, ())) != set(ids) for name, ids in after.items()):
            raise Conflict("The bins of the last edit have changed since.")
        self.before = {name: [*now.get(name, ())] for name in {*members, *after}}
        self.after = members
        self._next(json.loads(kept["heading"]), kept["incumbent"], kept["bound"])
        states = kept["states"]
        self._shape(members, kept["documents"], made, change="undone", states=states)
        seq = bins.last_edit(self.connection, self.proposal_id) + 1
        bins.add_edit(
            self.connection,
            proposal_id=self.proposal_id,
            seq=seq,
            version=self.version + 1,
            edits=text_of([{"op": "undo"}]),
            before=text_of({"members": self.before}),
            after=text_of(self.after),
            reason=self.reason,
            change=-last.change,
            stated_sha256=self.stated,
            at=self.at,
            account_id=self.account_id,
            undoes=last.seq,
        )
        rulings.end_of_edit(
            self.connection,
            self.proposal_id,
            last.seq,
            at=self.at,
            by=self.account_id,
        )
        return {"edit": seq, "undoes": last.seq, "change": days(-last.change)}

    def _require_open(self, bin_ids: Any) -> None:
        for name in bin_ids:
            if self.states[name].state == "accepted":
                raise Conflict(f"{name} is accepted by now: it stays as it is.")

    def _require_standing(self, plan: PricedOn) -> None:
        if standing_of(self.connection, self.proposal_id) != plan.standing:
            raise Conflict(
                "Rulings on these requests changed while this was priced. Preview it "
                "again."
            )

    def _documents(self, bin_ids: Sequence[str]) -> dict[str, Any]:
        found = {}
        for name in bin_ids:
            row = bins.one(self.connection, self.proposal_id, name)
            assert row is not None
            found[name] = json.loads(row.document)
        return found

    def _next(self, heading: Shown, cost: int, bound: int) -> None:
        stated = {
            "heading": ordered_text_of(heading),
            "incumbent": cost,
            "bound": bound,
        }
        self.stated = of_plan(stated)
        moved = proposals.next_version(
            self.connection, self.proposal_id, self.version, **stated
        )
        if not moved:
            row = proposals.row(self.connection, self.proposal_id)
            raise SomeoneWasFirst("proposal", current=row.version)

    def _shape(
        self,
        members: Mapping[str, Sequence[str]],
        documents: Mapping[str, Mapping[str, Any]],
        gone: Sequence[str],
        *,
        change: str,
        states: Mapping[str, str] | None = None,
    ) -> None:
        """Give bins other requests and figures; dissolve those that have none left."""
        place = max(row.place for row in self.states.values())
        labels = [label for ids in members.values() for label in ids]
        figures = proposals.figures_of(self.connection, self.proposal_id, labels)
        for name in sorted(members):
            document, ids = documents[name], text_of(sorted(members[name]))
            if name in self.states:
                state = (states or {}).get(name, "open")
                found = described(document, figures)
                shown = of_bin({"place": self.states[name].place, **found})
                self._step(name, state, ids, change, shown)
                bins.describe(self.connection, self.proposal_id, name, **found)
            else:
                place += 1
                self._new(bin_row(document, figures, place=place), ids, change)
        homes = {label: name for name, ids in members.items() for label in ids}
        bins.rehouse(self.connection, self.proposal_id, homes)
        for name in gone:
            self._step(name, "dissolved", "[]", change)

    def _step(
        self,
        name: str,
        state: str,
        members: str,
        change: str,
        figures: str | None = None,
    ) -> None:
        bins.step(
            self.connection,
            self.proposal_id,
            name,
            version=self.states[name].version,
            state=state,
            change=change,
            members=members,
            at=self.at,
            account_id=self.account_id,
            figures=figures,
        )

    def _new(self, found: Mapping[str, Any], members: str, change: str) -> None:
        row = {"proposal_id": self.proposal_id, **found}
        version = {
            "proposal_id": self.proposal_id,
            "bin_id": row["bin_id"],
            "version": 1,
            "previous": None,
            "change": change,
            "state": "open",
            "members": members,
            "figures_sha256": of_bin(row),
            "at": self.at,
            "account_id": self.account_id,
        }
        bins.add_bins(self.connection, [version], [row])

    def _add_ruling(self, ruling: Ruling, seq: int) -> None:
        names = [*ruling.request_ids]
        keys = proposals.keys_of(self.connection, self.proposal_id, names)
        rulings.add(
            self.connection,
            str(ruling.kind),
            keys.values(),
            proposal_id=self.proposal_id,
            at=self.at,
            account_id=self.account_id,
            edit=seq,
        )


def listed(connection: Connection, caller: Caller, proposal_id: str) -> list[Shown]:
    """Return the edits of a proposal the caller may see, first to last."""
    require(connection, caller, proposal_id)
    found = bins.edits_of(connection, proposal_id)
    undone = {row.undoes for row in found}
    return [
        {
            "edit": row.seq,
            "version": row.version,
            "edits": json.loads(row.edits),
            "reason": row.reason,
            "change": days(row.change),
            "at": row.at,
            "by": row.account_id,
            "undoes": row.undoes,
            "undone": row.seq in undone,
        }
        for row in found
    ]
