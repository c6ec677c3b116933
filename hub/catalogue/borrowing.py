"""What a content borrows of those it is like, while too few have bought it for anything to be learned of it.

A new thing has no neighbours yet, only words. How much a customer's company speaks for it is then the mean of how
much it speaks for the learned contents nearest to it in meaning, the nearer the more. Once five customers
have it, what they did counts alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LENDERS = 60
SHARPNESS = 6  # power of the cosine: many lend, and what is really alike lends most
MOST_BORROWERS = 1_000  # the newest; tens of milliseconds with 4,000 learned contents
_CHUNK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Borrowing:
    """`rows` (m,) intp that borrow, of `lenders` (m, k) intp, by `shares` (m, k) float64; shares of a row sum to 1."""

    rows: NDArray[np.intp]
    lenders: NDArray[np.intp]
    shares: NDArray[np.float64]

    @classmethod
    def nothing(cls) -> "Borrowing":
        """Return that nobody borrows."""
        return cls(np.zeros(0, np.intp), np.zeros((0, 0), np.intp), np.zeros((0, 0)))

    def filled(self, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return amounts (n,) in which those who borrow have what they borrow beside their own."""
        if not len(self.rows):
            return amounts
        together = amounts.copy()
        together[self.rows] += (amounts[self.lenders] * self.shares).sum(axis=1)
        return together


def borrowing(
    vectors: NDArray[np.float32], learned: NDArray[np.bool_], published: NDArray[np.float64]
) -> Borrowing:
    """Return who borrows of whom.

    Args:
        vectors: (n, d) float32, rows of length 1 or all zero.
        learned: (n,) which contents something was learned of.
        published: (n,) seconds since the epoch, NaN where unknown; of too many borrowers the newest are taken, those
            without a date first.
    """
    placed = vectors.any(axis=1)
    lenders = np.flatnonzero(learned & placed)
    rows = np.flatnonzero(~learned & placed)
    if not len(lenders) or not len(rows):
        return Borrowing.nothing()
    if len(rows) > MOST_BORROWERS:
        ages = -np.nan_to_num(published[rows], nan=np.inf)
        rows = np.sort(rows[np.argsort(ages, kind="stable")[:MOST_BORROWERS]])
    count = min(LENDERS, len(lenders))
    offered = np.ascontiguousarray(vectors[lenders].T)
    nearest = np.zeros((len(rows), count), np.intp)
    shares = np.zeros((len(rows), count))
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        cosines = vectors[rows[part]] @ offered
        best = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        likeness = np.maximum(np.take_along_axis(cosines, best, axis=1), 1e-6).astype(np.float64) ** SHARPNESS
        nearest[part] = lenders[best]
        shares[part] = likeness / likeness.sum(axis=1, keepdims=True)
    return Borrowing(rows, nearest, shares)
