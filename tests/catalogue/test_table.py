"""Weights between contents: spread, and asked which of a few leads somewhere most strongly."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hub.catalogue.table import Table

COUNT = 5


@st.composite
def tables(draw):
    """Some table of five contents, and its weights by (source, target)."""
    weights = draw(
        st.dictionaries(
            st.tuples(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1)),
            st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0]),
        )
    )
    known = sorted(weights)
    starts = np.searchsorted([source for source, _ in known], range(COUNT + 1)).astype(np.int64)
    targets = np.array([target for _, target in known], np.int32)
    return Table(starts, targets, np.array([weights[each] for each in known], np.float32)), weights


some_rows = st.lists(st.integers(0, COUNT - 1), unique=True).map(sorted)


@given(tables(), some_rows, st.integers(0, COUNT - 1))
def test_the_strongest_is_the_first_of_the_heaviest_and_never_the_target_itself(made, rows, target):
    table, weights = made
    leading = {row: weights.get((row, target), 0.0) for row in rows if row != target}
    best = max(leading.values(), default=0.0)
    expected = next((row for row, weight in leading.items() if weight == best), None) if best > 0 else None
    assert table.out_of(np.array(rows, np.intp)).strongest(target) == expected


@given(tables(), some_rows)
def test_spreading_adds_up_what_leads_there(made, rows):
    table, weights = made
    amounts = np.arange(1.0, len(rows) + 1)
    expected = [
        sum(amount * weights.get((row, target), 0.0) for row, amount in zip(rows, amounts, strict=True))
        for target in range(COUNT)
    ]
    assert table.spread(np.array(rows, np.intp), amounts).tolist() == expected
