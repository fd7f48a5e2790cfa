from hypothesis import given
from hypothesis import strategies as st

from optimizer.pricing import Cut
from optimizer.selection.covering import Covering

ITEMS = st.integers(0, 9)
CUTS = st.lists(st.sets(ITEMS, min_size=3, max_size=3), max_size=12)
BIN = st.sets(ITEMS, min_size=1, max_size=7).map(lambda items: tuple(sorted(items)))


@given(CUTS, BIN)
def test_a_bin_counts_in_the_cuts_that_cover_it(triples, members):
    cuts = [Cut(items=tuple(sorted(triple))) for triple in triples]
    expected = [number for number, cut in enumerate(cuts) if cut.covers(members)]
    assert Covering(cuts).of(members) == expected
    one_by_one = Covering()
    for cut in cuts:
        one_by_one.add(cut)
    assert one_by_one.of(members) == expected
