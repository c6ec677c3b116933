"""Kernel ridge regression with one output an answer, which also tells what it would have said of its own texts unseen.

The kernel's matrix of n texts is spanned by at most `MOST_PIVOTS` of them: K = F F', where the pivots are drawn in
blocks, each by how badly those before explain it (randomly pivoted Cholesky; Y. Chen et al., Comm. Pure Appl.
Math. 78, 2025). Near twins do not both become pivots, and few texts are spanned exactly. F has length 1 + w at
most in each row and the ridge keeps F'F + r well conditioned, so that float32 is enough for what is large.

With H = F (F'F + r)^-1 F' the hat matrix, y the targets and f = H y, a block B of texts would have scored

    y[B] - (I - H[B, B])^-1 (y[B] - f[B])

had it not been there (leave-one-out, and its form for blocks): exactly for those who are not pivots, and
for all where nothing had to be left out of the span.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Single = NDArray[np.float32]
Places = NDArray[np.intp]

SHARPNESS = 4.0  # a cosine of 0.83 counts half, one of 0.3 a sixteenth
RIDGE = 0.3  # against texts that stand alone; the kernel of a text with itself is 1 + w
MOST_PIVOTS = 2_400
BLOCK = 128  # pivots drawn together
EXPLAINED = 1e-4  # of the kernel of a text with itself: what is left of one that is as good as spanned
NEW = 0.25  # of the most that is left of any in a block: less is too near to the others of the block
SEED = 92


@dataclass(frozen=True, slots=True)
class Kernel:
    """How alike texts are in meaning and letters: exp(SHARPNESS (cos - 1)) + weight * letters.

    `vectors` is (n, d) and `letters` (n, width), float32, rows of length 1 (letters: or 0).
    """

    vectors: Single
    letters: Single
    weight: float

    def with_(self, others: "Kernel") -> Single:
        """Return (n, m) the kernel of these texts with others."""
        made: Single = np.exp(SHARPNESS * (self.vectors @ others.vectors.T - 1))
        if self.weight:
            # A single question has letters in a tenth of the columns: the others need not be read.
            used = np.flatnonzero(self.letters[0]) if len(self.letters) == 1 else slice(None)
            made += self.weight * (self.letters[:, used] @ others.letters.T[used])
        return made

    def of(self, places: Places) -> "Kernel":
        """Return the same for some of the texts."""
        return Kernel(self.vectors[places], self.letters[places], self.weight)


class Ridge:
    """A fit: `pivots` are places of texts, `weights` (pivots, answers) what a text's kernel with them is worth."""

    def __init__(self, kernel: Kernel, rows: NDArray[np.int32], count: int) -> None:
        """Fit to texts that belong to `count` answers.

        Args:
            kernel: of n texts.
            rows: (n,) which answer each belongs to, from 0.
            count: how many answers there are.
        """
        self.pivots, span = spanned(kernel)
        targets = np.zeros((len(rows), count), np.float32)
        targets[np.arange(len(rows)), rows] = 1.0
        inner = span.T @ span
        inner[np.diag_indices_from(inner)] += RIDGE
        self._inverse = np.linalg.inv(inner)
        worth = self._inverse @ (span.T @ targets)
        self.weights: Array = np.linalg.solve(span[self.pivots].T.astype(np.float64), worth)
        self._span, self._targets, self._rows = span, targets, rows
        self._fitted = span @ worth

    def without_itself(self, places: Places) -> Array:
        """Return (m, answers) what texts would have scored, had each not been there."""
        span, targets = self._span[places], self._targets[places]
        own = np.einsum("ij,ij->i", span @ self._inverse, span)
        left = np.maximum(1 - own, 1e-6)[:, None]
        unseen: Array = (targets - (targets - self._fitted[places]) / left).astype(np.float64)
        return unseen

    def without_its_answer(self, places: Places) -> Array:
        """Return (m, answers) the same, had its whole answer not been there; minus infinity for the answer."""
        scores = np.full((len(places), self._targets.shape[1]), -np.inf)
        for answer in np.unique(self._rows[places]):
            block, mine = np.flatnonzero(self._rows == answer), self._rows[places] == answer
            span, targets = self._span[block], self._targets[block]
            left = np.eye(len(block)) * (1 + 1e-6) - (span @ self._inverse) @ span.T
            unseen = targets - np.linalg.solve(left, targets - self._fitted[block])
            scores[mine] = unseen[np.searchsorted(block, places[mine])]
            scores[mine, answer] = -np.inf
        return scores


def spanned(kernel: Kernel) -> tuple[Places, Single]:
    """Return places of pivots and the (n, pivots) factor F; the pivots' own rows of it are lower triangular."""
    count, whole = len(kernel.vectors), 1 + kernel.weight
    draw = np.random.default_rng(SEED)
    factor = np.zeros((count, min(count, MOST_PIVOTS)), np.float32)
    left = np.full(count, whole)  # of the kernel of each text with itself, unexplained
    pivots: list[int] = []
    while len(pivots) < factor.shape[1] and left.max() > EXPLAINED * whole:
        size, known = min(BLOCK, factor.shape[1] - len(pivots)), len(pivots)
        drawn = np.unique(draw.choice(count, size, p=left / left.sum()))
        columns = kernel.with_(kernel.of(drawn)) - factor[:, :known] @ factor[drawn, :known].T
        kept = _apart(columns[drawn].astype(np.float64))
        drawn, columns = drawn[kept], columns[:, kept]
        lower = np.linalg.cholesky(columns[drawn].astype(np.float64))
        found = columns @ np.linalg.inv(lower).T
        factor[:, known : known + len(drawn)] = found
        factor[drawn, known : known + len(drawn)] = lower
        pivots += drawn.tolist()
        left = np.maximum(left - np.einsum("ij,ij->i", found, found), 0.0)
        left[pivots] = 0.0
    return np.array(pivots), factor[:, : len(pivots)]


def _apart(block: Array) -> Places:
    """Return which of a block to keep so that none is nearly explained by the others, greatest first."""
    left = np.diag(block).copy()
    least, columns, kept = NEW * left.max(), np.zeros((len(block), 0)), list[int]()
    while (best := int(left.argmax())) not in kept and left[best] >= least:
        column = (block[:, best] - columns @ columns[best]) / np.sqrt(left[best])
        columns = np.column_stack([columns, column])
        left -= column**2
        left[best] = -np.inf
        kept.append(best)
    return np.array(kept)
