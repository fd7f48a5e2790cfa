"""What a reviewer changes by hand in a plan, and the rulings each change stands for.

An edit changes which requests share a bin, and leaves rulings, so that no later solve
takes it back:

=============== ============================================ =========================
edit            the plan                                     the rulings it leaves
=============== ============================================ =========================
move            a request joins another bin                  together with its members
take_out        a request leaves for a bin of its own        apart from those it left
split           some requests of a bin leave for a new one   apart, every pair across
merge           bins become the first that is named          together, all of them
keep_together   the requests join the bin that holds most    together
keep_apart      all but the first leave a bin they share     apart
=============== ============================================ =========================

A bin that is accepted (a ``fixed`` ruling) cannot be edited.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from optimizer.broken import Broken, BrokenRule, broken
from optimizer.errors import BadEdit, EditFault
from optimizer.rulings import Ruling, RulingKind

__all__ = [
    "Bins",
    "Broken",
    "BrokenRule",
    "Edit",
    "Edited",
    "FreeIds",
    "Ids",
    "KeepApart",
    "KeepTogether",
    "Merge",
    "Move",
    "Split",
    "TakeOut",
    "apply",
    "broken",
]

type Ids = tuple[str, ...]
type Bins = Mapping[str, Ids]
"""A plan: the requests of each bin, by the bin's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Move a request to another bin."""

    request_id: str
    to_bin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOut:
    """Take a request out of its bin, into one of its own."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Take some requests of a bin, but not all, into a new one."""

    bin_id: str
    request_ids: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Put bins together; the first that is named lives on."""

    bin_ids: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepTogether:
    """Keep requests in one bin, from now on."""

    request_ids: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepApart:
    """Keep every two of some requests in different bins, from now on."""

    request_ids: Ids


type Edit = Move | TakeOut | Split | Merge | KeepTogether | KeepApart


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A plan after some edits.

    Parameters
    ----------
    bins
        The new plan. Requests of a bin that has changed are in order of their ids.
    touched, new, gone
        Bins that hold other requests than before, that were not there, and that are
        there no more, each in order of id.
    rulings
        For each edit, the rulings that it stands for.
    contradictions
        What cannot be, in sentences: rulings that the edits stand for, against each
        other or standing ones, and standing ones that the new plan does not keep. Such
        edits are refused.
    """

    bins: Mapping[str, Ids]
    touched: Ids
    new: Ids
    gone: Ids
    rulings: tuple[tuple[Ruling, ...], ...]
    contradictions: tuple[EditFault, ...]

    @property
    def changed(self) -> Ids:
        """The bins of the new plan that were not in the old one as they are."""
        return tuple(sorted((*self.touched, *self.new)))

    @property
    def all_rulings(self) -> tuple[Ruling, ...]:
        """All rulings of the edits, in their order."""
        return tuple(ruling for each in self.rulings for ruling in each)


def apply(
    bins: Bins,
    edits: Sequence[Edit],
    *,
    standing: Iterable[Ruling] = (),
    used: Iterable[str] = (),
) -> Edited:
    """Apply edits to a plan, one after another.

    Parameters
    ----------
    bins
        The plan; it is not modified.
    standing
        The rulings in force. They are taken to agree with each other.
    used
        Ids of bins that are no more: no new bin gets one of them.

    Raises
    ------
    BadEdit
        With a sentence for each edit that makes no sense, by its place in ``edits``.
    """
    standing = tuple(standing)
    editing = _Editing(bins, standing, used)
    faults: list[EditFault] = []
    rulings: list[tuple[Ruling, ...]] = []
    for place, edit in enumerate(edits):
        try:
            rulings.append(editing.apply(edit))
        except _Fault as fault:
            faults.append(EditFault(index=place, text=str(fault)))
    if faults:
        raise BadEdit(tuple(faults))
    now = editing.plan()
    return Edited(
        bins=now,
        touched=_sorted(b for b in now if b in bins and {*now[b]} != {*bins[b]}),
        new=_sorted(now.keys() - bins.keys()),
        gone=_sorted(bins.keys() - now.keys()),
        rulings=tuple(rulings),
        contradictions=_contradictions(editing, standing, rulings),
    )


class _Fault(Exception):
    """An edit that makes no sense, in a sentence."""


class _Editing:
    """A plan that is being edited."""

    def __init__(
        self, bins: Bins, standing: Sequence[Ruling], used: Iterable[str]
    ) -> None:
        self._before = bins
        self._members = {bin_id: {*members} for bin_id, members in bins.items()}
        self.home = {name: b for b, members in bins.items() for name in members}
        fixed = {
            frozenset(r.request_ids) for r in standing if r.kind is RulingKind.FIXED
        }
        self._accepted = {
            bin_id for bin_id, members in bins.items() if frozenset(members) in fixed
        }
        self._joined = _Joined(standing)
        self._ids = FreeIds((*bins, *used))

    def plan(self) -> dict[str, Ids]:
        """Return the plan as it is now; bins that did not change as they were given."""
        return {
            bin_id: self._as_given(bin_id, members)
            for bin_id, members in self._members.items()
            if members
        }

    def _as_given(self, bin_id: str, members: set[str]) -> Ids:
        given = self._before.get(bin_id, ())
        return given if members == {*given} else _sorted(members)

    def apply(self, edit: Edit) -> tuple[Ruling, ...]:
        """Apply one edit and return the rulings it stands for."""
        left: tuple[Ruling, ...]
        match edit:
            case Move():
                left = (self._move(edit),)
            case TakeOut():
                left = self._take_out(edit)
            case Split():
                left = self._split(edit)
            case Merge():
                left = (self._merge(edit),)
            case KeepTogether():
                left = (self._keep_together(edit),)
            case KeepApart():
                left = (self._keep_apart(edit),)
        self._joined.add(left)
        return left

    def _move(self, edit: Move) -> Ruling:
        source, target = self._home_of(edit.request_id), self._bin(edit.to_bin)
        if source == target:
            raise _Fault(f"{edit.request_id} is in {target} already.")
        met = {edit.request_id, *self._members[target]}
        self._put([edit.request_id], target)
        return _together(met)

    def _take_out(self, edit: TakeOut) -> tuple[Ruling, ...]:
        source = self._home_of(edit.request_id)
        others = self._members[source] - {edit.request_id}
        if not others:
            raise _Fault(
                f"{edit.request_id} is the only request of {source}: "
                "there is nothing to take it out of."
            )
        self._put([edit.request_id], self._new_bin())
        return _apart([edit.request_id], others)

    def _split(self, edit: Split) -> tuple[Ruling, ...]:
        members = self._members[self._bin(edit.bin_id)]
        leaving = self._named(edit.request_ids, least=1)
        strangers = [name for name in edit.request_ids if name not in members]
        if strangers:
            raise _Fault(f"{', '.join(strangers)} is not in {edit.bin_id}.")
        staying = members - leaving
        if not staying:
            raise _Fault(
                f"These are all requests of {edit.bin_id}: "
                "a split leaves at least one where it is."
            )
        self._put(leaving, self._new_bin())
        return _apart(leaving, staying)

    def _merge(self, edit: Merge) -> Ruling:
        named = tuple(dict.fromkeys(map(self._bin, edit.bin_ids)))
        if len(named) < len(edit.bin_ids):
            raise _Fault("A merge names each bin once.")
        if len(named) < 2:
            raise _Fault("A merge names two bins or more.")
        target = named[0]
        for source in named[1:]:
            self._put([*self._members[source]], target)
        return _together(self._members[target])

    def _keep_together(self, edit: KeepTogether) -> Ruling:
        named = self._named(edit.request_ids, least=2)
        everyone = {each for name in named for each in self._joined.with_(name)}
        holding = Counter(self._home_of(name) for name in edit.request_ids)
        holding.update(self._home_of(name) for name in _sorted(everyone - named))
        (target, _), *_others = holding.most_common()  # of equals, the first met
        self._put(everyone, target)
        return _together(named)

    def _keep_apart(self, edit: KeepApart) -> Ruling:
        named = self._named(edit.request_ids, least=2)
        taken: set[str] = set()
        for name in edit.request_ids:
            home = self._home_of(name)
            if home in taken:
                group = self._joined.with_(name) & self._members[home]
                home = self._new_bin()
                self._put(group, home)
            taken.add(home)
        return Ruling(kind=RulingKind.APART, request_ids=_sorted(named))

    def _home_of(self, request_id: str) -> str:
        if request_id not in self.home:
            raise _Fault(f"{request_id} is not a request of the proposal.")
        return self._open(self.home[request_id])

    def _bin(self, bin_id: str) -> str:
        if not self._members.get(bin_id):
            raise _Fault(f"{bin_id} is not a bin of the proposal.")
        return self._open(bin_id)

    def _open(self, bin_id: str) -> str:
        if bin_id in self._accepted:
            raise _Fault(f"{bin_id} is accepted: it stays as it is.")
        return bin_id

    def _named(self, request_ids: Ids, *, least: int) -> set[str]:
        named = {*request_ids}
        if len(named) < len(request_ids):
            raise _Fault("An edit names each request once.")
        if len(named) < least:
            what = "a request" if least == 1 else "two requests"
            raise _Fault(f"The edit names {what} or more.")
        for name in request_ids:
            self._home_of(name)
        return named

    def _new_bin(self) -> str:
        bin_id = self._ids.take()
        self._members[bin_id] = set()
        return bin_id

    def _put(self, names: Iterable[str], target: str) -> None:
        for name in names:
            self._members[self.home[name]].discard(name)
            self._members[target].add(name)
            self.home[name] = target


class FreeIds:
    """Ids for new bins, numbered on from those there are."""

    def __init__(self, used: Iterable[str]) -> None:
        digits = [b[1:] for b in used if b[:1] == "B" and _is_number(b[1:])]
        self._last = max(map(int, digits), default=0)
        self._width = max(map(len, digits), default=3)

    def take(self) -> str:
        """Return an id that no bin has had."""
        self._last += 1
        return f"B{self._last:0{self._width}}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


class _Joined:
    """The sets that ``together`` rulings join through shared members."""

    def __init__(self, rulings: Iterable[Ruling] = ()) -> None:
        self._home: dict[str, frozenset[str]] = {}
        self.add(rulings)

    def add(self, rulings: Iterable[Ruling]) -> None:
        """Join the members of ``together`` rulings."""
        for ruling in rulings:
            if ruling.kind is RulingKind.TOGETHER:
                names = ruling.request_ids
                merged = frozenset().union(*(self.with_(name) for name in names))
                self._home.update(dict.fromkeys(merged, merged))

    def with_(self, name: str) -> frozenset[str]:
        """Return the set that a request is in: itself at least."""
        return self._home.get(name, frozenset((name,)))

    def sets(self) -> list[Ids]:
        """Return the sets of two requests or more, in order."""
        return sorted(_sorted(s) for s in {*self._home.values()} if len(s) > 1)


def _contradictions(
    editing: _Editing,
    standing: Sequence[Ruling],
    rulings: Sequence[tuple[Ruling, ...]],
) -> tuple[EditFault, ...]:
    """Return what of the rulings cannot be kept, by the last edit it has to do with.

    Of standing rulings, those that name no request of an edit are left out: where the
    plan does not keep them, it did not before.
    """
    named = [{name for r in each for name in r.request_ids} for each in rulings]
    every = [*standing, *(ruling for each in rulings for ruling in each)]
    joined = _Joined(every)
    found: dict[str, int] = {}

    def tell(ids: Iterable[str], text: str) -> None:
        met = {*ids}
        places = [at for at, names in enumerate(named) if not met.isdisjoint(names)]
        if places:
            found.setdefault(text, places[-1])

    for first, second in _pairs_apart(every):
        names = f"{first} and {second} are ruled apart"
        if second in joined.with_(first):
            tell((first, second), f"{names} and, by other rulings, together.")
        elif _shared(editing.home, first, second):
            bin_id = editing.home[first]
            tell((first, second), f"{names} and would both be in {bin_id}.")
    for members in joined.sets():
        first_in: dict[str, str] = {}
        for name in members:
            if name in editing.home:
                first_in.setdefault(editing.home[name], name)
        if len(first_in) > 1:
            (one, first), (other, second), *_ = first_in.items()
            tell(
                members,
                f"{first} and {second} are ruled together and would be in "
                f"{one} and {other}.",
            )
    faults = [EditFault(index=place, text=text) for text, place in found.items()]
    return tuple(sorted(faults, key=lambda fault: (fault.index, fault.text)))


def _pairs_apart(rulings: Iterable[Ruling]) -> list[tuple[str, str]]:
    return sorted(
        {
            pair
            for ruling in rulings
            if ruling.kind is RulingKind.APART
            for pair in combinations(_sorted({*ruling.request_ids}), 2)
        }
    )


def _shared(home: Mapping[str, str], first: str, second: str) -> bool:
    return first in home and home[first] == home.get(second)


def _together(names: Iterable[str]) -> Ruling:
    return Ruling(kind=RulingKind.TOGETHER, request_ids=_sorted(names))


def _apart(some: Iterable[str], others: Iterable[str]) -> tuple[Ruling, ...]:
    return tuple(
        Ruling(kind=RulingKind.APART, request_ids=_sorted(pair))
        for pair in product(_sorted(some), _sorted(others))
    )


def _sorted(names: Iterable[str]) -> Ids:
    return tuple(sorted(names))
