"""Two plans bin by bin: what is the same, what moved, and which rules made it so.

A request is known by its customer and id in every plan; a bin is unchanged where the
other plan has one with the same requests. The rest falls into *groups*: bins of both
plans that share requests, directly or through others, so that each group is a question
of its own.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations
from typing import Any, Final

from sqlalchemy import Connection

from app.catalogue import load_catalogue
from app.policies import parse_policy
from app.storage import bin_table, compared, policies, proposals
from app.storage.plain import request_of
from app.use_cases.access import Caller
from app.use_cases.read_proposals import require
from app.use_cases.refusals import NotAcceptable
from optimizer.batch import Batch, Request
from optimizer.compatibility import blocks
from optimizer.policy import Policy
from optimizer.problem import Problem
from optimizer.rulings import Ruling, RulingKind, settle

type Key = tuple[str, str]
"""Customer and id of a request."""

_AT_ONCE: Final = 5000


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two plans: its bins by the keys of their requests."""

    row: proposals.Row
    policy: Policy
    bins: Mapping[str, frozenset[Key]]
    home: Mapping[Key, str]
    label: Mapping[Key, str]
    version: Mapping[Key, int]

    @cached_property
    def heading(self) -> dict[str, Any]:
        """What the plan states of itself, as in proposal.json."""
        found: dict[str, Any] = json.loads(self.row.heading)
        return found

    @cached_property
    def key_of(self) -> Mapping[str, Key]:
        """The key of each label."""
        return {label: key for key, label in self.label.items()}

    @cached_property
    def ruled_together(self) -> Mapping[Key, frozenset[Key]]:
        """Whom a ruling puts each request together with."""
        return {
            key: keys
            for one in self.heading["rulings"]
            if one["kind"] != RulingKind.APART
            for keys in [frozenset(self.key_of[name] for name in one["request_ids"])]
            for key in keys
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Bins of both plans that hold the same requests, otherwise put together."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    keys: frozenset[Key]

    @property
    def kind(self) -> str:
        """What became of it: split, merged, others in it, or rearranged."""
        if not self.first or not self.second:
            return "only"
        match len(self.first) > 1, len(self.second) > 1:
            case False, True:
                return "split"
            case True, False:
                return "merged"
            case False, False:
                return "members"
        return "rearranged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two plans have in common, and what not.

    Parameters
    ----------
    unchanged
        Bins of the first plan that the second has too, each with its name there.
    groups
        What is put together otherwise, in the order of the first plan.
    only_first, only_second
        Requests that the other plan is not about.
    changed
        Requests that are there in another version.
    """

    first: Side
    second: Side
    unchanged: Mapping[str, str]
    groups: tuple[Group, ...]
    only_first: tuple[Key, ...]
    only_second: tuple[Key, ...]
    changed: tuple[Key, ...]

    def moved(self, key: Key) -> bool:
        """Tell whether a request is with others in the one plan than in the other."""
        one, other = self.first.home.get(key), self.second.home.get(key)
        if one is None or other is None:
            return True
        return self.first.bins[one] != self.second.bins[other]


def compare(
    connection: Connection, caller: Caller, first_id: str, second_id: str
) -> Comparison:
    """Compare two plans that the caller may see.

    Raises
    ------
    NotThere
        When there is no such proposal for the caller.
    NotAcceptable
        When one has no plan, or both are the same.
    """
    if first_id == second_id:
        raise NotAcceptable("Choose two proposals; these are one.")
    first = _side(connection, caller, first_id)
    second = _side(connection, caller, second_id)
    there = {keys: name for name, keys in second.bins.items()}
    unchanged = {
        name: there[keys] for name, keys in first.bins.items() if keys in there
    }
    both = first.home.keys() & second.home.keys()
    return Comparison(
        first=first,
        second=second,
        unchanged=unchanged,
        groups=_groups(first, second, unchanged),
        only_first=tuple(sorted(first.home.keys() - both)),
        only_second=tuple(sorted(second.home.keys() - both)),
        changed=tuple(
            sorted(key for key in both if first.version[key] != second.version[key])
        ),
    )


def _side(connection: Connection, caller: Caller, proposal_id: str) -> Side:
    row = require(connection, caller, proposal_id)
    if row.heading is None:
        raise NotAcceptable(
            f"The proposal of {row.created_at[:16].replace('T', ' ')} UTC has no plan "
            "yet that could be compared."
        )
    policy = policies.version(connection, row.policy_name, row.policy_version)
    assert policy is not None
    found = compared.homes(connection, proposal_id)
    members: dict[str, set[Key]] = {}
    for one in found:
        members.setdefault(one.bin_id, set()).add((one.customer, one.request_id))
    keyed = {(one.customer, one.request_id): one for one in found}
    return Side(
        row=row,
        policy=parse_policy(policy.toml.encode(), policy.name),
        bins={name: frozenset(keys) for name, keys in sorted(members.items())},
        home={key: one.bin_id for key, one in keyed.items()},
        label={key: one.label for key, one in keyed.items()},
        version={key: one.request_version for key, one in keyed.items()},
    )


def _groups(
    first: Side, second: Side, unchanged: Mapping[str, str]
) -> tuple[Group, ...]:
    """Return the changed bins of both plans, put together where they share requests."""
    same = {*unchanged.values()}
    left = {name: keys for name, keys in first.bins.items() if name not in unchanged}
    others = {name: keys for name, keys in second.bins.items() if name not in same}
    seen: set[str] = set()
    found = []
    for name in left:
        if name in seen:
            continue
        mine, theirs, keys = {name}, set[str](), {*left[name]}
        grown = -1
        while grown < len(keys):
            grown = len(keys)
            theirs |= {second.home[key] for key in keys if key in second.home}
            keys.update(*(others[one] for one in theirs))
            mine |= {first.home[key] for key in keys if key in first.home}
            keys.update(*(left[one] for one in mine))
        seen |= mine
        found.append(_group(mine, theirs, keys))
    reached = {name for group in found for name in group.second}
    found += [
        _group((), (name,), keys)
        for name, keys in others.items()
        if name not in reached
    ]
    return tuple(found)


def _group(first: Iterable[str], second: Iterable[str], keys: Iterable[Key]) -> Group:
    return Group(
        first=tuple(sorted(first)), second=tuple(sorted(second)), keys=frozenset(keys)
    )


# --- why ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why requests that one plan has together are apart in the other.

    Parameters
    ----------
    in_second
        Whether it is the second plan that has them apart; else it is the first.
    code
        Of the rule that keeps them apart there, ``ruling`` where one puts them together
        in the other plan, or ``cost`` where no rule forbids it.
    text
        For one pair of them, in words.
    pair
        Its labels in the plan that has them apart.
    pairs
        How many pairs it holds for.
    """

    in_second: bool
    code: str
    text: str
    pair: tuple[str, str]
    pairs: int


def reasons(
    connection: Connection, found: Comparison, groups: Sequence[Group]
) -> list[list[Reason]]:
    """Return for each of some groups why it is put together otherwise."""
    keys = sorted({key for group in groups for key in group.keys})
    judges = [_Judge(connection, side, keys) for side in (found.first, found.second)]
    return [_reasons(found, group, judges) for group in groups]


def _reasons(
    found: Comparison, group: Group, judges: Sequence["_Judge"]
) -> list[Reason]:
    sides = (found.first, found.second)
    said: list[Reason] = []
    for apart, together in ((1, 0), (0, 1)):
        counts: Counter[str] = Counter()
        examples: dict[str, tuple[str, tuple[str, str]]] = {}
        for one, other in _parted(sides[together], sides[apart], group):
            pair = sides[apart].label[one], sides[apart].label[other]
            why = judges[apart].blocks(one, other)
            if not why and other in sides[together].ruled_together.get(one, ()):
                text = f"A ruling has {pair[0]} and {pair[1]} in one bin there."
                why = (("ruling", text),)
            for code, text in why or (("cost", ""),):
                counts[code] += 1
                examples.setdefault(code, (text, pair))
        said += [
            Reason(
                in_second=bool(apart),
                code=code,
                text=examples[code][0],
                pair=examples[code][1],
                pairs=pairs,
            )
            for code, pairs in counts.most_common()
        ]
    return said


def _parted(together: Side, apart: Side, group: Group) -> Iterable[tuple[Key, Key]]:
    """Yield the pairs of a group that one plan has in one bin and the other has not."""
    names = {together.home[key] for key in group.keys if key in together.home}
    for name in sorted(names):
        for one, other in combinations(sorted(together.bins[name]), 2):
            homes = apart.home.get(one), apart.home.get(other)
            if None not in homes and homes[0] != homes[1]:
                yield one, other


class _Judge:
    """Asks the rules of one plan whether two requests may share a bin."""

    def __init__(self, connection: Connection, side: Side, keys: Sequence[Key]) -> None:
        self._label = side.label
        labels = [side.label[key] for key in keys if key in side.label]
        self.requests = contents(connection, side.row.proposal_id, labels)
        batch = Batch(requests=tuple(self.requests.values()))
        known = {*labels}
        stated = [
            Ruling(kind=RulingKind.APART, request_ids=tuple(ids))
            for one in side.heading["rulings"]
            if one["kind"] == RulingKind.APART
            for ids in combinations(sorted(known & {*one["request_ids"]}), 2)
        ]
        self._problem = Problem(
            batch=batch,
            policy=side.policy,
            catalogue=load_catalogue(),
            as_of=date.fromisoformat(side.row.as_of),
            rulings=settle(stated, batch),
        )

    def blocks(self, one: Key, other: Key) -> tuple[tuple[str, str], ...]:
        """Return the rules that keep two requests apart: code and sentence of each."""
        at = (self._problem.batch.position(self._label[key]) for key in (one, other))
        found = blocks(self._problem, *sorted(at))
        return tuple((block.code, block.text) for block in found)


def contents(
    connection: Connection, proposal_id: str, labels: Sequence[str]
) -> dict[str, Request]:
    """Return requests of a plan by their labels."""
    found: dict[str, Request] = {}
    for begin in range(0, len(labels), _AT_ONCE):
        some = labels[begin : begin + _AT_ONCE]
        for row in bin_table.contents(connection, proposal_id, some):
            found[row.label] = request_of(row.content, label=row.label)
    return found
