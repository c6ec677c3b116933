"""Which approved answer a question means, learned from the house's own ways of asking.

Every answer brings its title and the questions that it is known by. On these the resolver fits a
kernel ridge regression with one output an answer (C. Saunders et al., ICML 1998; for classes
R. Rifkin et al., 2003): unlike a nearest neighbour it lets all wordings of an answer speak together,
and lets the wordings of other answers speak against it. The kernel sees meaning and letters:

    k(a, b) = exp(SHARPNESS * (cos(a, b) - 1)) + w * letters(a, b)

Ridge regression can be asked, without fitting again, what it would have said of each of its own
texts had it not seen it (H the hat matrix, B the rows left out):

    f(B) = (I - H[B, B])^-1 (f[B] - H[B, B] y[B])

Leaving out one text shows how the house's answers are found by a wording that is new; leaving out all
of an answer's texts shows what a question looks like that nobody answers. From both the resolver
chooses `w` and calibrates its confidence (`hub.answers.calibration`), so no constant here is fitted
to anybody's questions. Above `MOST_LANDMARKS` texts the kernel is spanned by that many of them (the
Nystroem method, C. Williams and M. Seeger, NIPS 2000).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.answers.calibration import Calibration, calibrate
from hub.answers.wording import Wording

Array = NDArray[np.float64]

SHARPNESS = 4.0  # a cosine of 0.83 counts half, one of 0.3 a sixteenth
RIDGE = 0.3  # against texts that stand alone; the kernel of a text with itself is 1 + w
LETTERS = (0.0, 0.25, 0.5)  # weights of letters beside meaning that are tried
MOST_LANDMARKS = 1_200
MOST_TRIED = 800  # texts on which the weight of letters is chosen


@dataclass(frozen=True, slots=True)
class Match:
    """One answer that a question may mean; `row` is its position among those that were fitted."""

    row: int
    score: float  # about 1: as its own questions; about 0: nothing like them
    similarity: float  # cosine to the nearest of its texts


@dataclass(frozen=True, slots=True)
class _Fit:
    landmarks: NDArray[np.intp]
    weights: Array  # (landmarks, answers)
    fitted: Array  # (texts, answers)
    hat: Array  # Z, (texts, landmarks): the hat matrix is Z @ Z.T


class Resolver:
    """Finds the answer that a question means among those it was fitted to."""

    def __init__(self, vectors: NDArray[np.float32], texts: Sequence[str], rows: NDArray[np.int32]) -> None:
        """Fit. Takes well under a second for some hundreds of texts, some seconds for ten thousand.

        Args:
            vectors: (n, d) float32 of length 1, of the texts.
            texts: titles and questions, at least one.
            rows: (n,) which answer each belongs to, counted from 0 without gaps.
        """
        count = int(rows.max()) + 1
        self._rows = rows
        self._wording = Wording(texts)
        letters = self._wording.rows(texts)
        self.letters = _best_weight(vectors, letters, rows, count)
        fit = _fit(vectors, letters, rows, count, self.letters, MOST_LANDMARKS)
        self._vectors = vectors
        self._span = vectors[fit.landmarks]
        self._span_letters = letters[fit.landmarks]
        self._weights = fit.weights
        self.calibration: Calibration = _calibration(vectors, rows, count, fit)

    def matches(self, question: str, vector: NDArray[np.float32]) -> list[Match]:
        """Return every answer, likeliest first; equals in the order of their rows."""
        kernel = _kernel(vector[None], self._span)
        if self.letters:
            kernel += self.letters * (self._wording.rows([question]) @ self._span_letters.T)
        scores = (kernel @ self._weights)[0]
        similarities = np.full(len(scores), -1.0)
        np.maximum.at(similarities, self._rows, (self._vectors @ vector).astype(np.float64))
        order = np.lexsort((np.arange(len(scores)), -scores))
        return [Match(int(row), float(scores[row]), float(similarities[row])) for row in order]


def _kernel(left: NDArray[np.float32], right: NDArray[np.float32]) -> Array:
    cosines: Array = (left @ right.T).astype(np.float64)
    return np.asarray(np.exp(SHARPNESS * (cosines - 1)), np.float64)


def _fit(
    vectors: NDArray[np.float32],
    letters: NDArray[np.float32],
    rows: NDArray[np.int32],
    count: int,
    weight: float,
    most: int,
) -> _Fit:
    """Fit on all texts, spanned by at most `most` of them, spread evenly over the answers."""
    landmarks = _spread(rows, most)
    phi = _kernel(vectors, vectors[landmarks])
    if weight:
        phi += weight * (letters @ letters[landmarks].T)
    span = phi[landmarks]
    targets = np.zeros((len(rows), count))
    targets[np.arange(len(rows)), rows] = 1.0
    inner = phi.T @ phi + RIDGE * (span + 1e-6 * np.eye(len(landmarks)))
    upper = np.linalg.inv(np.linalg.cholesky(inner)).T
    hat = phi @ upper
    weights = upper @ (hat.T @ targets)
    return _Fit(landmarks, weights, phi @ weights, hat)


def _spread(rows: NDArray[np.int32], most: int) -> NDArray[np.intp]:
    """Return at most `most` positions: first one text of each answer, then a second, and so on."""
    if len(rows) <= most:
        return np.arange(len(rows))
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], rows[order], side="left")
    turn = np.arange(len(rows)) - starts
    return np.sort(order[np.argsort(turn, kind="stable")][:most])


def _unseen(fit: _Fit, rows: NDArray[np.int32]) -> tuple[Array, Array]:
    """Return (n, answers) of what each text would score, had it / had its whole answer not been there."""
    own = np.einsum("ij,ij->i", fit.hat, fit.hat)
    targets = np.zeros_like(fit.fitted)
    targets[np.arange(len(rows)), rows] = 1.0
    alone = (fit.fitted - own[:, None] * targets) / np.maximum(1 - own, 1e-6)[:, None]
    without = np.empty_like(fit.fitted)
    for answer in range(fit.fitted.shape[1]):
        block = np.flatnonzero(rows == answer)
        hat = fit.hat[block] @ fit.hat[block].T
        left = np.eye(len(block)) * (1 + 1e-6) - hat
        without[block] = np.linalg.solve(left, fit.fitted[block] - hat @ targets[block])
        without[block, answer] = -np.inf  # it is not there
    return alone, without


def _best_weight(
    vectors: NDArray[np.float32], letters: NDArray[np.float32], rows: NDArray[np.int32], count: int
) -> float:
    """Return the weight of letters by which the house's own texts are best found unseen.

    A weight must earn its place: it is taken over a lesser one if the texts that it alone finds outnumber
    those that it alone misses by more than chance easily does (the square root of both together).
    """
    tried = _spread(rows, MOST_TRIED)
    best, best_found = LETTERS[0], np.zeros(len(tried), np.bool_)
    for weight in LETTERS:
        alone, _ = _unseen(
            _fit(vectors[tried], letters[tried], rows[tried], count, weight, MOST_TRIED), rows[tried]
        )
        found = alone.argmax(axis=1) == rows[tried]
        gained, lost = int((found & ~best_found).sum()), int((best_found & ~found).sum())
        if weight == LETTERS[0] or gained - lost > np.sqrt(gained + lost):
            best, best_found = weight, found
    return best


def _calibration(vectors: NDArray[np.float32], rows: NDArray[np.int32], count: int, fit: _Fit) -> Calibration:
    if count < 2:  # nothing to compare with
        return Calibration()
    alone, without = _unseen(fit, rows)
    chosen, missing = alone.argmax(axis=1), without.argmax(axis=1)
    tops, floors = _top_two(alone), _top_two(without)
    near = _similarities(vectors, rows, chosen)
    far = _similarities(vectors, rows, missing)
    return calibrate(
        known=np.column_stack([tops, near]), right=chosen == rows, unknown=np.column_stack([floors, far])
    )


def _top_two(scores: Array) -> Array:
    best = np.sort(scores, axis=1)[:, -2:]
    second = np.where(np.isfinite(best[:, 0]), best[:, 0], 0.0)
    return np.column_stack([best[:, 1], second])


def _similarities(
    vectors: NDArray[np.float32], rows: NDArray[np.int32], chosen: NDArray[np.intp], step: int = 512
) -> Array:
    """Return (n,) the cosine of each text to the nearest *other* text of the answer chosen for it."""
    nearest = np.empty(len(rows))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        cosines = vectors[part] @ vectors.T
        cosines[np.arange(cosines.shape[0]), np.arange(start, start + cosines.shape[0])] = -1.0
        cosines[rows[None, :] != chosen[part, None]] = -1.0
        nearest[part] = cosines.max(axis=1)
    return nearest
