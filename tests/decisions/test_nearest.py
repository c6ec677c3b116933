"""What lies nearest is what the index finds, asked for once."""

import numpy as np
import pytest

from embeddings.index import VectorIndex
from hub.decisions.nearest import Nearest


def directions(count: int, seed: int = 1) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((count, 24)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


class CountedIndex:
    """An index that tells how many directions it was asked for."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.index = VectorIndex.build(vectors)
        self.asked = 0

    def search(self, queries, k):
        self.asked += len(queries)
        return self.index.search(queries, k)


@pytest.fixture
def index():
    return CountedIndex(directions(4_000))


def test_it_is_what_the_index_finds_the_first_time_and_later(index):
    queries = directions(9, seed=2)
    there, _ = index.index.search(queries, 40)
    nearest = Nearest(index, 40)
    for _ in range(2):
        for of in ([0], [3, 0, 8], range(9), [5, 5]):
            assert nearest.to(queries[list(of)]).tobytes() == there[list(of)].tobytes()


def test_a_direction_is_looked_for_once(index):
    nearest = Nearest(index, 40)
    nearest.to(directions(5, seed=2))
    nearest.to(np.concatenate([directions(5, seed=2), directions(2, seed=3)]))
    assert index.asked == 7


def test_it_remembers_no_more_than_it_may_and_forgets_all_when_told(index):
    nearest = Nearest(index, 40, most=3)
    queries = directions(5, seed=2)
    nearest.to(queries)
    nearest.to(queries[2:])
    assert index.asked == 5
    nearest.to(queries[:1])
    assert index.asked == 6
    nearest.forget()
    nearest.to(queries[3:])
    assert index.asked == 8


def test_where_there_are_fewer_the_rest_is_none():
    found = Nearest(VectorIndex.build(directions(3)), 5).to(directions(1, seed=2))
    assert sorted(found[0].tolist()) == [-1, -1, 0, 1, 2]


def test_nobodys_directions_find_nothing(index):
    assert Nearest(index, 40).to(directions(0)).shape == (0, 40)
