"""Variety: after scoring, items give way to others of their kind that are less like what stands above.

Greedy maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) over the first items of each
kind. It moves items and leaves scores alone, so that the parts still make the whole; where it put an
item and because of what is told in `Why.variety` (docs/decisions/0052).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 48  # of each kind: more than the slots of a page can hold


@dataclass(frozen=True, slots=True, eq=False)
class Varied:
    """Candidates in their final order, and what moved them.

    `order` (c,) intp: candidates, best first. `closest` (c,) intp: of each candidate the one above it, of
    its kind and in the window, that is most like it, -1 for none; `similarity` (c,) float32: their cosine.
    """

    order: NDArray[np.intp]
    closest: NDArray[np.intp]
    similarity: NDArray[np.float32]


def vary(
    order: NDArray[np.intp],
    scores: NDArray[np.float64],
    vectors: NDArray[np.float32],
    kinds: NDArray[np.int32],
    variety: float,
) -> Varied:
    """Return the candidates in their final order.

    Items of one kind change places among themselves alone: which kind stands at which place is for the
    scores to say, since an article does not repeat a product.

    Args:
        order: (c,) candidates by score, best first.
        scores: (c,) their scores.
        vectors: (c, d) their vectors, rows of length 1.
        kinds: (c,) codes of their kinds.
        variety: 0 keeps the order, 1 looks only at how unlike each other they are.
    """
    final = order.copy()
    closest = np.full(len(order), -1, np.intp)
    similarity = np.zeros(len(order), np.float32)
    kinds_in_order = kinds[order]
    for kind in np.unique(kinds):
        places = np.flatnonzero(kinds_in_order == kind)[:WINDOW]
        members = order[places]
        likeness = np.maximum(vectors[members] @ vectors[members].T, 0.0)
        picks, nearest, cosines = _pick(scores[members], likeness, variety)
        final[places] = members[picks]
        closest[members[picks]] = np.where(nearest >= 0, members[nearest], -1)
        similarity[members[picks]] = cosines
    return Varied(final, closest, similarity)


def _pick(
    scores: NDArray[np.float64], likeness: NDArray[np.float32], variety: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return the order of picks, and of each pick the earlier one most like it and how much."""
    count = len(scores)
    spread = float(scores.max() - scores.min()) if count else 0.0
    worth = (1.0 - variety) * ((scores - scores.min()) / spread if spread > 0 else np.zeros(count))
    picks, nearest = np.zeros(count, np.intp), np.full(count, -1, np.intp)
    cosines = np.zeros(count, np.float32)
    highest, which = np.zeros(count, np.float32), np.full(count, -1, np.intp)
    for turn in range(count):
        pick = int((worth - variety * highest).argmax())
        picks[turn], nearest[turn], cosines[turn] = pick, which[pick], highest[pick]
        worth[pick] = -np.inf
        nearer = likeness[pick] > highest
        which[nearer] = pick
        np.maximum(highest, likeness[pick], out=highest)
    return picks, nearest, cosines
