"""Which approved answer a question means, learned from the house's own ways of asking.

Every answer brings its title and the questions that it is known by. On these the resolver fits a
kernel ridge regression with one output an answer (C. Saunders et al., ICML 1998; for classes
R. Rifkin et al., 2003): unlike a nearest neighbour it lets all wordings of an answer speak together,
and lets the wordings of other answers speak against it. The kernel sees meaning and letters
(`hub.answers.ridge`, `hub.answers.wording`).

Ridge regression can be asked, without fitting again, what it would have said of each of its own
texts had it not seen it. Leaving out one text shows how the house's answers are found by a wording that
is new; leaving out all of an answer's texts shows what a question looks like that nobody answers. From
both the resolver chooses the weight of letters and calibrates its confidence (`hub.answers.calibration`),
so no constant here is fitted to anybody's questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.answers.calibration import Calibration, calibrate
from hub.answers.ridge import Array, Kernel, Places, Ridge, Single
from hub.answers.wording import Wording

LETTERS = (0.0, 0.25, 0.5)  # weights of letters beside meaning that are tried
MOST_TRIED = 800  # texts on which the weight of letters is chosen
MOST_JUDGED = 2_000  # texts on which the confidence is calibrated
TOGETHER = 256  # questions that are matched at once


@dataclass(frozen=True, slots=True)
class Match:
    """One answer that a question may mean; `row` is its position among those that were fitted."""

    row: int
    score: float  # about 1: as its own questions; about 0: nothing like them
    similarity: float  # cosine to the nearest of its texts


class Resolver:
    """Finds the answer that a question means among those it was fitted to."""

    def __init__(self, vectors: Single, texts: Sequence[str], rows: NDArray[np.int32]) -> None:
        """Fit. Takes a fraction of a second for some hundreds of texts, some seconds for ten thousand.

        Args:
            vectors: (n, d) float32 of length 1, of the texts.
            texts: titles and questions, at least one.
            rows: (n,) which answer each belongs to, counted from 0 without gaps.
        """
        order = np.argsort(rows, kind="stable")  # an answer's texts beside each other
        self._vectors, rows = vectors[order], rows[order]
        self._starts = np.flatnonzero(np.diff(rows, prepend=-1))
        self._wording = Wording([texts[place] for place in order])
        letters = self._wording.known
        self.letters = _best_weight(self._vectors, letters, rows)
        kernel = Kernel(self._vectors, letters, self.letters)
        ridge = Ridge(kernel, rows, len(self._starts))
        spanning = kernel.of(ridge.pivots)
        self._pivots = Kernel(spanning.vectors, np.asfortranarray(spanning.letters), self.letters)
        self._weights = ridge.weights.astype(np.float32)
        self.calibration: Calibration = _calibration(self._vectors, rows, ridge)

    def matches(self, question: str, vector: Single) -> list[Match]:
        """Return every answer, likeliest first; equals in the order of their rows."""
        return self.matches_of([question], vector[None])[0]

    def matches_of(self, questions: Sequence[str], vectors: Single) -> list[list[Match]]:
        """Return the same for each of many questions with their (n, d) vectors."""
        found: list[list[Match]] = []
        for start in range(0, len(questions), TOGETHER):
            part = vectors[start : start + TOGETHER]
            letters = self._wording.rows(questions[start : start + TOGETHER])
            kernel = Kernel(part, letters, self.letters)
            scores = kernel.with_(self._pivots) @ self._weights
            near = np.maximum.reduceat(part @ self._vectors.T, self._starts, axis=1)
            orders = np.argsort(-scores, axis=1, kind="stable")
            found += [
                [Match(row, float(scored[row]), float(nearest[row])) for row in order.tolist()]
                for scored, nearest, order in zip(scores, near, orders, strict=True)
            ]
        return found


def _spread(rows: NDArray[np.int32], most: int) -> Places:
    """Return at most `most` positions: first one text of each answer, then a second, and so on."""
    if len(rows) <= most:
        return np.arange(len(rows))
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], rows[order], side="left")
    turn = np.arange(len(rows)) - starts
    return np.sort(order[np.argsort(turn, kind="stable")][:most])


def _best_weight(vectors: Single, letters: Single, rows: NDArray[np.int32]) -> float:
    """Return the weight of letters by which the house's own texts are best found unseen.

    A weight must earn its place: it is taken over a lesser one if the texts that it alone finds outnumber
    those that it alone misses by more than chance easily does (the square root of both together).
    """
    tried = _spread(rows, MOST_TRIED)
    vectors, letters, rows = vectors[tried], letters[tried], rows[tried]
    best, best_found = LETTERS[0], np.zeros(len(tried), np.bool_)
    for weight in LETTERS:
        ridge = Ridge(Kernel(vectors, letters, weight), rows, int(rows.max()) + 1)
        found = ridge.without_itself(np.arange(len(rows))).argmax(axis=1) == rows
        gained, lost = int((found & ~best_found).sum()), int((best_found & ~found).sum())
        if weight == LETTERS[0] or gained - lost > np.sqrt(gained + lost):
            best, best_found = weight, found
    return best


def _calibration(vectors: Single, rows: NDArray[np.int32], ridge: Ridge) -> Calibration:
    if rows[-1] == 0:  # one answer: nothing to compare with
        return Calibration()
    judged = np.arange(0, len(rows), -(-len(rows) // MOST_JUDGED))  # of each answer its part
    alone, without = ridge.without_itself(judged), ridge.without_its_answer(judged)
    chosen, missing = alone.argmax(axis=1), without.argmax(axis=1)
    near, far = _similarities(vectors, rows, judged, chosen, missing)
    return calibrate(
        known=np.column_stack([_top_two(alone), near]),
        right=chosen == rows[judged],
        unknown=np.column_stack([_top_two(without), far]),
    )


def _top_two(scores: Array) -> Array:
    best = np.sort(scores, axis=1)[:, -2:]
    second = np.where(np.isfinite(best[:, 0]), best[:, 0], 0.0)
    return np.column_stack([best[:, 1], second])


def _similarities(
    vectors: Single,
    rows: NDArray[np.int32],
    judged: Places,
    *chosen: Places,
    step: int = 512,
) -> list[Array]:
    """Return (m,) cosines of the judged texts to the nearest *other* text of an answer, for each choice of answers."""
    nearest = [np.empty(len(judged)) for _ in chosen]
    for start in range(0, len(judged), step):
        part = slice(start, start + step)
        cosines = vectors[judged[part]] @ vectors.T
        cosines[np.arange(len(cosines)), judged[part]] = -1.0
        for found, answers in zip(nearest, chosen, strict=True):
            found[part] = np.where(rows == answers[part, None], cosines, -1.0).max(axis=1)
    return nearest
