"""Nearest neighbours: the same as comparing with everything, whole or filtered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.index import VectorIndex

DIMENSIONS = 64


def clustered(count, *, seed=0, dimensions=DIMENSIONS, noise=0.7):
    """Vectors in lumps, as texts of a catalogue lie: harder to tell apart than uniform noise."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, count // 50), dimensions))
    vectors = centres[rng.integers(0, len(centres), count)] + noise * rng.normal(size=(count, dimensions))
    return unit(vectors)


def unit(vectors):
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def recall(index, vectors, queries, k, allowed=None):
    """Share of the truth that is found: what comparing with every allowed row in float64 gives."""
    rows, _ = index.search(queries, k, allowed=allowed)
    eligible = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    nearness = queries.astype(np.float64) @ vectors[eligible].astype(np.float64).T
    truth = eligible[np.argsort(-nearness, axis=1)[:, :k]]
    shares = [len(set(ours) & set(exact)) / len(exact) for ours, exact in zip(rows, truth, strict=True)]
    return float(np.mean(shares))


class TestScan:
    def test_recall_at_100_is_at_least_99_percent_of_fifty_thousand(self):
        vectors = clustered(50_000, dimensions=384, noise=1.0)
        queries = unit(vectors[::2_500] + 0.02 * np.random.default_rng(1).normal(size=(20, 384)))
        assert recall(VectorIndex.build(vectors), vectors, queries, 100) >= 0.99

    def test_similarities_are_cosines_nearest_first(self):
        vectors = clustered(5_000)
        rows, similarities = VectorIndex.build(vectors).search(vectors[:3], 10)
        assert rows[:, 0].tolist() == [0, 1, 2]
        assert (np.diff(similarities, axis=1) <= 0).all()
        for query, line, values in zip(vectors[:3], rows, similarities, strict=True):
            np.testing.assert_allclose(values, vectors[line] @ query, atol=1e-6)

    def test_the_answer_to_a_query_does_not_depend_on_the_others(self):
        vectors = clustered(5_000)
        index = VectorIndex.build(vectors)
        together = index.search(vectors[:7], 20)
        for number in range(7):
            rows, similarities = index.search(vectors[number : number + 1], 20)
            assert rows.tobytes() == together[0][number : number + 1].tobytes()
            assert similarities.tobytes() == together[1][number : number + 1].tobytes()

    def test_many_queries_are_searched_in_blocks_with_the_same_answers(self, monkeypatch):
        vectors = clustered(3_000)
        index = VectorIndex.build(vectors)
        whole, _ = index.search(vectors[:40], 5)
        monkeypatch.setattr("embeddings.index.BLOCK", 9_000)
        blocks, _ = index.search(vectors[:40], 5)
        assert (whole == blocks).all()


class TestFilter:
    @pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
    def test_recall_holds_however_few_are_allowed(self, share):
        vectors = clustered(20_000)
        allowed = np.random.default_rng(2).random(20_000) < share
        queries = vectors[:10]
        assert recall(VectorIndex.build(vectors), vectors, queries, 20, allowed) >= 0.99

    def test_where_fewer_than_k_are_allowed_the_rest_is_row_minus_one(self):
        vectors = clustered(2_000)
        allowed = np.zeros(2_000, bool)
        allowed[[5, 17]] = True
        rows, similarities = VectorIndex.build(vectors).search(vectors[:1], 4, allowed=allowed)
        assert sorted(rows[0, :2]) == [5, 17]
        assert rows[0, 2:].tolist() == [-1, -1]
        assert similarities[0, 2:].tolist() == [-1.0, -1.0]

    def test_nothing_allowed_finds_nothing(self):
        vectors = clustered(100)
        rows, _ = VectorIndex.build(vectors).search(vectors[:2], 3, allowed=np.zeros(100, bool))
        assert (rows == -1).all()

    @given(
        count=st.integers(1, 60),
        k=st.integers(1, 70),
        seed=st.integers(0, 1_000),
        share=st.floats(0, 1),
    )
    def test_only_allowed_rows_come_each_once_in_the_exact_order(self, count, k, seed, share):
        rng = np.random.default_rng(seed)
        vectors = unit(rng.integers(-3, 4, size=(count, 8)) + 0.01)
        allowed = rng.random(count) < share
        rows, similarities = VectorIndex.build(vectors).search(vectors[:1], k, allowed=allowed)
        found = rows[0][rows[0] >= 0]
        assert len(found) == min(k, allowed.sum())
        assert allowed[found].all()
        assert len(set(found)) == len(found)
        pairs = list(zip(-similarities[0], rows[0], strict=True))[: len(found)]
        assert pairs == sorted(pairs)  # by similarity, equals by row


class TestEdges:
    def test_an_empty_index_finds_nothing(self):
        rows, _ = VectorIndex.build(np.zeros((0, 8), np.float32)).search(np.ones((2, 8), np.float32), 3)
        assert rows.tolist() == [[-1] * 3] * 2

    def test_rows_of_zeros_are_never_found(self):
        vectors = clustered(3_000)
        vectors[10] = 0
        rows, _ = VectorIndex.build(vectors).search(-vectors[:1], 3_000)
        assert 10 not in rows
        assert rows[0, -1] == -1

    def test_all_zeros_find_nothing(self):
        rows, _ = VectorIndex.build(np.zeros((5, 8), np.float32)).search(np.ones((1, 8), np.float32), 3)
        assert (rows == -1).all()

    def test_no_queries_give_no_lines(self):
        rows, similarities = VectorIndex.build(clustered(10)).search(np.zeros((0, DIMENSIONS), np.float32), 3)
        assert rows.shape == similarities.shape == (0, 3)

    def test_twins_come_in_the_order_of_their_rows(self):
        vectors = np.repeat(clustered(1), 2_000, axis=0)
        rows, _ = VectorIndex.build(vectors).search(vectors[:1], 5)
        assert rows[0].tolist() == sorted(rows[0])

    def test_shapes_that_do_not_fit_are_refused(self):
        index = VectorIndex.build(clustered(10))
        query = clustered(1)
        with pytest.raises(ValueError, match="queries must be"):
            index.search(query[:, :5], 3)
        with pytest.raises(ValueError, match="k must be"):
            index.search(query, 0)
        with pytest.raises(ValueError, match="allowed must be"):
            index.search(query, 3, allowed=np.ones(9, bool))
        with pytest.raises(ValueError, match="vectors must be"):
            VectorIndex.build(query[0])

    def test_numbers_that_are_not_finite_are_refused(self):
        vectors = clustered(10)
        vectors[3, 3] = np.nan
        with pytest.raises(ValueError, match="finite"):
            VectorIndex.build(vectors)


class TestFollowing:
    """An index built after another one: only what changed is encoded, and nobody can tell."""

    def follow(self, index, vectors, seed, gone=50, new=60, changed=20):
        """Return vectors of which some are gone, new and changed, in another order, and where each came from."""
        rng = np.random.default_rng(seed)
        kept = rng.permutation(len(vectors))[gone:]
        after = np.concatenate([vectors[kept], clustered(new, seed=seed + 1_000)])
        came_from = np.concatenate([kept, np.full(new, -1)])
        after[:changed] = clustered(changed, seed=seed + 2_000)
        return VectorIndex.build(after, before=index, came_from=came_from), after

    @pytest.mark.parametrize("segment", [500, 65_536])
    def test_answers_as_one_that_was_built_anew(self, monkeypatch, segment):
        monkeypatch.setattr("embeddings.index.SEGMENT", segment)
        vectors = clustered(3_000)
        index = VectorIndex.build(vectors)
        for turn in range(12):
            index, vectors = self.follow(index, vectors, turn)
            allowed = np.random.default_rng(9).random(len(vectors)) < 0.6
            fresh = VectorIndex.build(vectors)
            queries = vectors[::500]
            for those in (None, allowed):
                ours, theirs = (each.search(queries, 40, allowed=those) for each in (index, fresh))
                assert ours[0].tobytes() == theirs[0].tobytes()
                assert ours[1].tobytes() == theirs[1].tobytes()
        assert index.size < 2 * fresh.size

    def test_what_is_gone_is_never_found_and_what_is_new_is(self):
        vectors = clustered(3_000)
        index = VectorIndex.build(vectors)
        after = np.concatenate([vectors[1:], -vectors[:1]])
        came_from = np.append(np.arange(1, 3_000), -1)
        found = VectorIndex.build(after, before=index, came_from=came_from)
        assert found.search(-vectors[:1], 1)[0] == [[2_999]]
        _, similarities = found.search(vectors[:1], 1)
        assert similarities[0, 0] < 0.999

    def test_a_row_that_got_its_vector_later_is_found(self):
        vectors = clustered(3_000)
        without = vectors.copy()
        without[7] = 0
        index = VectorIndex.build(without)
        found = VectorIndex.build(vectors, before=index, came_from=np.arange(3_000))
        assert found.search(vectors[7:8], 1)[0] == [[7]]

    def test_nothing_new_encodes_nothing(self, monkeypatch):
        vectors = clustered(3_000)
        index = VectorIndex.build(vectors)
        monkeypatch.setattr("embeddings.index._encoded", None)
        again = VectorIndex.build(vectors, before=index, came_from=np.arange(3_000))
        assert (again.search(vectors[:2], 9)[0] == index.search(vectors[:2], 9)[0]).all()

    def test_a_row_that_two_claim_to_be_is_taken_once(self):
        vectors = clustered(2_000)
        twice = np.concatenate([vectors, vectors[:1]])
        came_from = np.append(np.arange(2_000), 0)
        found = VectorIndex.build(twice, before=VectorIndex.build(vectors), came_from=came_from)
        assert found.search(vectors[:1], 2)[0].tolist() == [[0, 2_000]]

    def test_another_length_of_vectors_is_another_index(self):
        before = VectorIndex.build(clustered(50))
        vectors = clustered(50, dimensions=32)
        found = VectorIndex.build(vectors, before=before, came_from=np.arange(50))
        assert found.search(vectors[:1], 1)[0] == [[0]]

    def test_where_rows_came_from_is_told_of_all(self):
        vectors = clustered(10)
        with pytest.raises(ValueError, match="came_from must be"):
            VectorIndex.build(vectors, before=VectorIndex.build(vectors), came_from=np.arange(9))


class TestOnlySomeRows:
    def test_answers_as_the_whole_does_where_only_they_are_allowed(self):
        vectors = clustered(6_000)
        vectors[30] = 0
        whole = VectorIndex.build(vectors)
        rows = np.arange(0, 6_000, 3)
        some = whole.only(rows)
        eligible = np.random.default_rng(5).random(6_000) < 0.8
        among = np.zeros(6_000, np.bool_)
        among[rows] = True
        for allowed in (None, eligible):
            ours = some.search(vectors[::700], 40, allowed=allowed)
            theirs = whole.search(vectors[::700], 40, allowed=among if allowed is None else among & allowed)
            assert ours[0].tobytes() == theirs[0].tobytes()
            assert ours[1].tobytes() == theirs[1].tobytes()

    def test_nothing_but_them_is_found(self):
        vectors = clustered(3_000)
        some = VectorIndex.build(vectors).only(np.array([4, 2_000]))
        assert sorted(some.search(vectors[7:8], 5)[0][0].tolist()) == [-1, -1, -1, 4, 2_000]

    def test_it_costs_what_its_rows_cost(self):
        whole = VectorIndex.build(clustered(6_000))
        assert whole.only(np.arange(600)).size < whole.size / 5

    def test_none_at_all_finds_nothing(self):
        vectors = clustered(100)
        assert VectorIndex.build(vectors).only(np.zeros(0, np.intp)).search(vectors[:1], 2)[0].tolist() == [
            [-1, -1]
        ]
