"""Variety: after scoring, items give way to others of their kind that are less like what stands above.

A greedy choice over the first items of each kind, between score and freshness, as in maximal marginal
relevance (Carbonell and Goldstein, SIGIR 1998). Freshness is what the items above leave uncovered: the
product of one minus the likeness to each of them, as xQuAD (Santos et al., WWW 2010) counts aspects.
The likeness to the nearest alone would let a tenth rose pass as easily as the second.

Two dials of the mix say more exactly what the list shall be like, and hold for every beginning of it, since
each channel shows another length of the same ranking:

    diversity  intra-list diversity, the mean of one minus the cosine over all pairs (Ziegler et al., WWW
               2005). Where it is set it takes the place of `variety`: the best item is taken that keeps
               the list within `TOLERANCE` of the setting, or, where none does, the one that comes nearest.
    stretch    the share of items beyond what the customer is known for, after each item within one of it.

It moves items and leaves scores alone, so that the parts still make the whole; where it put an item and
because of what is told in `Why.variety` (docs/decisions/0052, 0055).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 36  # of each kind: more than the slots of a page can hold
DIALLED_WINDOW = 240  # where a dial is set: there has to be something to choose from
DIALLED_PLACES = 60  # places that a dial fills; no channel shows more of a kind
ALIKE_FROM = 0.3  # cosine up to which two items do not cover each other
TOLERANCE = 0.03


@dataclass(frozen=True, slots=True)
class Dials:
    """How the list as a whole shall be: `variety` 0 keeps the order, 1 looks only at how unlike items are."""

    variety: float = 0.0
    diversity: float | None = None
    stretch: float | None = None


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
    dials: Dials,
    beyond: NDArray[np.bool_] | None = None,
) -> Varied:
    """Return the candidates in their final order.

    Items of one kind change places among themselves alone: which kind stands at which place is for the
    scores to say, since an article does not repeat a product.

    Args:
        order: (c,) candidates by score, best first.
        scores: (c,) their scores.
        vectors: (c, d) their vectors, rows of length 1.
        kinds: (c,) codes of their kinds.
        dials: what the list shall be like.
        beyond: (c,) which of them lie beyond what the customer is known for; None where nothing is known,
            and the dial `stretch` has nothing to go by.
    """
    final = order.copy()
    closest = np.full(len(order), -1, np.intp)
    similarity = np.zeros(len(order), np.float32)
    crowding = np.zeros(len(order))
    kinds_in_order = kinds[order]
    if beyond is None:
        dials = Dials(dials.variety, dials.diversity)
    dialled = dials.diversity is not None or dials.stretch is not None
    for kind in np.unique(kinds):
        places = np.flatnonzero(kinds_in_order == kind)
        chosen = places[: DIALLED_WINDOW if dialled else WINDOW]
        if beyond is not None and dials.stretch is not None:
            chosen = _with_enough(places, beyond[order], dials.stretch)
        members = order[chosen]
        choice = _Choice(
            scores[members],
            vectors[members] @ vectors[members].T,
            dials,
            None if beyond is None else beyond[members],
        )
        picks = choice.first(DIALLED_PLACES if dialled else WINDOW)
        picked = members[picks.order]
        final[places] = np.concatenate([picked, _others(order[places], picked)])
        closest[picked] = np.where(picks.closest >= 0, members[picks.closest], -1)
        similarity[picked] = picks.similarity
        crowding[picked] = picks.crowding
    return Varied(final, closest, similarity, crowding)


def _others(members: NDArray[np.intp], picked: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the members that were not picked, in their order."""
    return members[~np.isin(members, picked)]


def _with_enough(places: NDArray[np.intp], beyond: NDArray[np.bool_], share: float) -> NDArray[np.intp]:
    """Return the places of the best of both sorts, as many of each as the share asks for, best first."""
    wanted = round(share * DIALLED_WINDOW)
    flags = beyond[places]
    chosen = np.concatenate([places[flags][:wanted], places[~flags][: DIALLED_WINDOW - wanted]])
    chosen.sort()
    return chosen


class _Choice:
    """Picks one member after the other; members are by score, best first."""

    def __init__(
        self,
        scores: NDArray[np.float64],
        cosines: NDArray[np.float32],
        dials: Dials,
        beyond: NDArray[np.bool_] | None,
    ) -> None:
        count = len(scores)
        spread = float(scores.max() - scores.min())
        self.dials = dials
        self.beyond = beyond
        self.cosines = cosines
        self.worth = (1.0 - dials.variety) * (
            (scores - scores.min()) / spread if spread > 0 else np.zeros(count)
        )
        self.fresh = 1.0 - np.clip((cosines.astype(np.float64) - ALIKE_FROM) / (1.0 - ALIKE_FROM), 0.0, 1.0)
        self.uncovered = np.ones(count)
        self.left = np.ones(count, np.bool_)
        self.apart = np.zeros(count)  # of each member, the sum of its distances to those picked
        self.apart_within = 0.0  # the same over all pairs of those picked
        self.beyond_so_far = 0

    def first(self, most: int) -> _Picks:
        """Return the first members that are picked, in their order."""
        members = len(self.worth)
        count = min(most, members)
        highest, which = np.zeros(members, np.float32), np.full(members, -1, np.intp)
        picks = _Picks(
            np.zeros(count, np.intp),
            np.full(count, -1, np.intp),
            np.zeros(count, np.float32),
            np.zeros(count),
        )
        for turn in range(count):
            pick = self._next(turn)
            picks.order[turn], picks.closest[turn] = pick, which[pick]
            picks.similarity[turn] = highest[pick]
            picks.crowding[turn] = 1.0 - self.uncovered[pick]
            self._take(pick)
            nearer = self.cosines[pick] > highest
            which[nearer] = pick
            highest[nearer] = self.cosines[pick][nearer]
        return picks

    def _next(self, turn: int) -> int:
        open_ = self.left
        share = self.dials.stretch
        if share is not None and self.beyond is not None:
            wanted = self.beyond_so_far < int(share * (turn + 1) + 0.5)
            of_sort = open_ & (self.beyond == wanted)
            if of_sort.any():
                open_ = of_sort
        if self.dials.diversity is None:
            value = np.where(open_, self.worth + self.dials.variety * self.uncovered, -np.inf)
            return int(value.argmax())
        if turn == 0:
            return int(open_.argmax())
        pairs = turn * (turn + 1) / 2
        off = np.abs((self.apart_within + self.apart) / pairs - self.dials.diversity)
        near = open_ & (off <= TOLERANCE)
        return int(near.argmax()) if near.any() else int(np.where(open_, off, np.inf).argmin())

    def _take(self, pick: int) -> None:
        self.left[pick] = False
        self.uncovered *= self.fresh[pick]
        self.apart_within += float(self.apart[pick])
        self.apart += 1.0 - self.cosines[pick].astype(np.float64)
        if self.beyond is not None:
            self.beyond_so_far += int(self.beyond[pick])


def diversity_of(vectors: NDArray[np.float32]) -> float:
    """Return the intra-list diversity of (k, d) vectors: the mean of one minus the cosine over all pairs."""
    count = len(vectors)
    if count < 2:
        return 0.0
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    return float(1.0 - (cosines.sum() - np.trace(cosines)) / (count * (count - 1)))
