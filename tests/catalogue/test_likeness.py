"""What new contents borrow of those they are like, and which titles are called alike."""

import numpy as np
import pytest

from hub.catalogue.borrowing import MOST_BORROWERS, Borrowing, borrowing
from hub.catalogue.words import words_of
from tests.builders import make_content

UNIT = np.eye(4, dtype=np.float32)


class TestBorrowing:
    def test_the_new_borrow_of_the_nearest_of_whom_something_was_learned(self):
        near = (0.8 * UNIT[0] + 0.6 * UNIT[3]).astype(np.float32)
        vectors = np.stack([UNIT[0], UNIT[1], near])
        lent = borrowing(vectors, np.array([True, True, False]), np.zeros(3))
        filled = lent.filled(np.array([0.5, -0.5, 0.0]))
        assert filled[:2].tolist() == [0.5, -0.5]
        assert filled[2] == pytest.approx(0.5, abs=1e-3)

    def test_what_is_learned_of_is_left_as_it_is(self):
        vectors = np.stack([UNIT[0], UNIT[0]])
        lent = borrowing(vectors, np.array([True, True]), np.zeros(2))
        assert lent.filled(np.array([0.5, 0.1])).tolist() == [0.5, 0.1]

    def test_without_meaning_nothing_is_borrowed_or_lent(self):
        vectors = np.stack([UNIT[0], np.zeros(4, np.float32), np.zeros(4, np.float32)])
        lent = borrowing(vectors, np.array([True, True, False]), np.zeros(3))
        assert len(lent.rows) == 0
        assert borrowing(vectors, np.zeros(3, np.bool_), np.zeros(3)).rows.tolist() == []
        assert Borrowing.nothing().filled(np.array([1.0])).tolist() == [1.0]

    def test_shares_sum_to_one(self):
        rng = np.random.default_rng(5)
        vectors = rng.normal(size=(60, 8)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        lent = borrowing(vectors, np.arange(60) < 40, np.zeros(60))
        assert lent.shares.sum(axis=1) == pytest.approx(np.ones(20))
        assert (lent.lenders < 40).all()

    def test_of_too_many_the_newest_and_the_undated_borrow(self):
        count = MOST_BORROWERS + 3
        vectors = np.tile(UNIT[0], (count + 1, 1))
        published = np.arange(count + 1, dtype=np.float64)
        published[1] = np.nan
        lent = borrowing(vectors, np.arange(count + 1) == 0, published)
        assert len(lent.rows) == MOST_BORROWERS
        assert 1 in lent.rows
        assert not {2, 3, 4} & set(lent.rows.tolist())


class TestWords:
    TITLES = ("Red retrospot bag", "Blue retrospot bag", "Garden spade", "RED bag")

    def likeness(self, rows, others):
        words = words_of([make_content(str(n), title=title) for n, title in enumerate(self.TITLES)])
        return words.likeness(np.array(rows, np.intp), np.array(others, np.intp))

    def test_a_title_is_called_as_itself_and_as_those_that_share_its_words(self):
        found = self.likeness([0, 1, 2], [0])
        assert found[0] == pytest.approx(1.0)
        assert 0 < found[1] < 1
        assert found[2] == 0

    def test_of_several_the_mean_counts(self):
        alone = [self.likeness([0], [other])[0] for other in (1, 2)]
        assert self.likeness([0], [1, 2])[0] == pytest.approx(np.mean(alone))

    def test_a_rare_word_says_more_than_a_common_one(self):
        assert self.likeness([0], [1])[0] < 1
        common, rare = self.likeness([3, 1], [0])
        assert rare != common

    def test_nothing_is_like_nothing(self):
        assert self.likeness([0, 1], []).tolist() == [0.0, 0.0]
        assert self.likeness([], [0]).tolist() == []
        assert words_of([make_content("a", title="!")]).likeness(np.array([0]), np.array([0])).tolist() == [0]
