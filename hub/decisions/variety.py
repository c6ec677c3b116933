"""Variety: after scoring, items give way to others of their kind that are less like what stands above.

A greedy choice over the first items of each kind, between score and freshness, as in maximal marginal
relevance (Carbonell and Goldstein, SIGIR 1998). Freshness is what the items above leave uncovered: the
product of one minus the likeness to each of them, as xQuAD (Santos et al., WWW 2010) counts aspects.
The likeness to the nearest alone would let a tenth rose pass as easily as the second.

It moves items and leaves scores alone, so that the parts still make the whole; where it put an item and
because of what is told in `Why.variety` (docs/decisions/0052).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 36  # of each kind: more than the slots of a page can hold
ALIKE_FROM = 0.3  # cosine up to which two items do not cover each other


@dataclass(frozen=True, slots=True, eq=False)
class Varied:
    """Candidates in their final order, and what moved them.

    `order` (c,) intp: candidates, best first. `closest` (c,) intp: of each candidate the one above it, of
    its kind and in the window, that is most like it, -1 for none; `similarity` (c,) float32: their cosine;
    `crowding` (c,) float64: how much of it those above cover together, 0 to 1.
    """

    order: NDArray[np.intp]
    closest: NDArray[np.intp]
    similarity: NDArray[np.float32]
    crowding: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Picks:
    """Of each turn: which member was picked, the earlier one most like it, their cosine, its crowding."""

    order: NDArray[np.intp]
    closest: NDArray[np.intp]
    similarity: NDArray[np.float32]
    crowding: NDArray[np.float64]


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
    crowding = np.zeros(len(order))
    kinds_in_order = kinds[order]
    for kind in np.unique(kinds):
        places = np.flatnonzero(kinds_in_order == kind)[:WINDOW]
        members = order[places]
        picks = _pick(scores[members], vectors[members] @ vectors[members].T, variety)
        picked = members[picks.order]
        final[places] = picked
        closest[picked] = np.where(picks.closest >= 0, members[picks.closest], -1)
        similarity[picked] = picks.similarity
        crowding[picked] = picks.crowding
    return Varied(final, closest, similarity, crowding)


def _pick(scores: NDArray[np.float64], cosines: NDArray[np.float32], variety: float) -> _Picks:
    """Pick one member after the other: the one whose score and freshness are together the highest."""
    count = len(scores)
    spread = float(scores.max() - scores.min())
    worth = (1.0 - variety) * ((scores - scores.min()) / spread if spread > 0 else np.zeros(count))
    fresh = 1.0 - np.clip((cosines.astype(np.float64) - ALIKE_FROM) / (1.0 - ALIKE_FROM), 0.0, 1.0)
    uncovered = np.full(count, float(variety))
    highest, which = np.zeros(count, np.float32), np.full(count, -1, np.intp)
    picks = _Picks(
        np.zeros(count, np.intp), np.full(count, -1, np.intp), np.zeros(count, np.float32), np.zeros(count)
    )
    for turn in range(count):
        pick = int((worth + uncovered).argmax())
        picks.order[turn], picks.closest[turn] = pick, which[pick]
        picks.similarity[turn] = highest[pick]
        picks.crowding[turn] = 1.0 - uncovered[pick] / variety if variety else 0.0
        worth[pick] = -np.inf
        uncovered *= fresh[pick]
        nearer = cosines[pick] > highest
        which[nearer] = pick
        highest[nearer] = cosines[pick][nearer]
    return picks
