"""Average linkage by the chain of nearest neighbours is average linkage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.insights.grouping import TOGETHER, grouped


def by_looking(vectors, weights):
    """Join the nearest pair of groups, again and again."""
    groups = [[row] for row in range(len(vectors))]
    near = vectors.astype(np.float64) @ vectors.T.astype(np.float64)

    def mean(a, b):
        shares = np.outer(weights[a], weights[b])
        return (near[np.ix_(a, b)] * shares).sum() / shares.sum()

    while len(groups) > 1:
        best, one, other = max(
            (mean(a, b), i, j) for i, a in enumerate(groups) for j, b in enumerate(groups) if i < j
        )
        if best < TOGETHER:
            break
        groups[one] = groups[one] + groups.pop(other)
    return sorted(sorted(group) for group in groups)


def drawn(seed, count, dimensions):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((count, dimensions)) + rng.integers(0, 2, (count, 1))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), rng


@given(seed=st.integers(0, 10_000), count=st.integers(1, 24), dimensions=st.integers(2, 6))
def test_it_finds_the_groups_that_looking_for_the_nearest_pair_finds(seed, count, dimensions):
    vectors, rng = drawn(seed, count, dimensions)
    weights = rng.integers(1, 5, count).astype(np.float64)
    assert grouped(vectors, weights) == by_looking(vectors, weights)


def test_every_row_is_in_one_group_twins_together_and_strangers_apart():
    vectors, _ = drawn(1, 3, 64)
    found = grouped(np.repeat(vectors, 40, axis=0), np.ones(120))
    assert sorted(row for group in found for row in group) == list(range(120))
    assert [len(group) for group in grouped(np.eye(4, dtype=np.float32), np.ones(4))] == [1] * 4
    assert all(len({row // 40 for row in group}) * 40 == len(group) for group in found)


@pytest.mark.parametrize("count", [0, 1])
def test_few_are_no_special_case(count):
    assert grouped(np.ones((count, 1), np.float32), np.ones(count)) == [[0]][:count]
