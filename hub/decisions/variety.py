"""Variety: after scoring, items give way to others of their kind that are less like what stands above.

A greedy choice over the first items of each kind, between score and freshness, as in maximal marginal
relevance (Carbonell and Goldstein, SIGIR 1998). Freshness is what the items above leave uncovered: the
product of one minus the likeness to each of them, as xQuAD (Santos et al., WWW 2010) counts aspects.
The likeness to the nearest alone would let a tenth rose pass as easily as the second.

Two dials of the mix say more exactly what the list shall be like, and hold for every beginning of it, since
each channel shows another length of the same ranking:

    diversity  intra-list diversity, the mean of one minus the cosine over all pairs. Where it is set it takes
               the place of `variety`; see `hub.decisions.diversity`.
    stretch    the share of items beyond what the customer is known for, after each item within one of it.

It moves items and leaves scores alone, so that the parts still make the whole; where it put an item and
because of what is told in `Why.variety` (docs/decisions/0052, 0055).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hub.decisions import diversity

WINDOW = 36  # of each kind: more than the slots of a page can hold
DIALLED_WINDOW = 240  # where a dial is set: there has to be something to choose from
DIALLED_PLACES = 60  # places that a dial fills; no channel shows more of a kind
ALIKE_FROM = 0.3  # cosine up to which two items do not cover each other


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
    `missed`: by kind, the beginnings of the list of its items that the dial of diversity does not hold for.
    """

    order: NDArray[np.intp]
    closest: NDArray[np.intp]
    similarity: NDArray[np.float32]
    crowding: NDArray[np.float64]
    missed: Mapping[int, Sequence[diversity.Missed]]


@dataclass(frozen=True, slots=True, eq=False)
class _Picks:
    """Of each turn: which member was picked, the earlier one most like it, their cosine, its crowding."""

    order: NDArray[np.intp]
    closest: NDArray[np.intp]
    similarity: NDArray[np.float32]
    crowding: NDArray[np.float64]
    missed: Sequence[diversity.Missed] = ()


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
    missed: dict[int, Sequence[diversity.Missed]] = {}
    kinds_in_order = kinds[order]
    if beyond is None:
        dials = Dials(dials.variety, dials.diversity)
    dialled = dials.diversity is not None or dials.stretch is not None
    for kind in np.flatnonzero(np.bincount(kinds)).tolist():
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
        if picks.missed:
            missed[kind] = picks.missed
    return Varied(final, closest, similarity, crowding, missed)


def _others(members: NDArray[np.intp], picked: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the members that were not picked, in their order."""
    left = np.ones(int(members.max()) + 1, np.bool_)
    left[picked] = False
    return members[left[members]]


def _with_enough(places: NDArray[np.intp], beyond: NDArray[np.bool_], share: float) -> NDArray[np.intp]:
    """Return the places of the best of both sorts, as many of each as the share asks for, best first.

    Where there are too few of one sort, more of the other stand in for them: a list is never left empty.
    """
    flags = beyond[places]
    stretch, known = places[flags], places[~flags]
    wanted = round(share * DIALLED_WINDOW)
    wanted = min(max(wanted, DIALLED_WINDOW - len(known)), len(stretch))
    chosen = np.concatenate([stretch[:wanted], known[: DIALLED_WINDOW - wanted]])
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
        spread = float(scores.max() - scores.min())
        self.dials = dials
        self.beyond = beyond
        self.cosines = cosines
        self.worth = (scores - scores.min()) / spread if spread > 0 else np.zeros(len(scores))
        self.fresh = 1.0 - np.clip((cosines.astype(np.float64) - ALIKE_FROM) / (1.0 - ALIKE_FROM), 0.0, 1.0)

    def first(self, most: int) -> _Picks:
        """Return the first members that are picked, in their order."""
        count = min(most, len(self.worth))
        sorts = self._sorts(count)
        if self.dials.diversity is None:
            return self._told(self._by_variety(count, sorts))
        distances = 1.0 - self.cosines.astype(np.float64)
        np.fill_diagonal(distances, 0.0)
        candidates = diversity.Candidates(self.worth, distances, self.beyond, sorts)
        order = diversity.at(self.dials.diversity, candidates, count)
        return replace(self._told(order), missed=diversity.missed(order, distances, self.dials.diversity))

    def _sorts(self, count: int) -> NDArray[np.bool_] | None:
        """Return (count,) of which sort each place is, as `stretch` has it; None where it is not turned.

        It depends on how many there are of each sort and on nothing else.
        """
        share = self.dials.stretch
        if share is None or self.beyond is None:
            return None
        most = int(self.beyond.sum())
        most_known = len(self.beyond) - most
        sorts = np.zeros(count, np.bool_)
        taken = 0
        for place in range(count):
            wanted = taken < int(share * (place + 1) + 0.5)
            sorts[place] = taken < most if wanted else place - taken >= most_known
            taken += int(sorts[place])
        return sorts

    def _by_variety(self, count: int, sorts: NDArray[np.bool_] | None) -> NDArray[np.intp]:
        """Return the members by score and by what those above leave uncovered."""
        order = np.zeros(count, np.intp)
        variety = self.dials.variety
        worth = (1.0 - variety) * self.worth
        # Some seventy turns a decision, over a few dozen numbers each: every array is made once.
        uncovered, value = np.ones(len(worth)), np.empty(len(worth))
        for place in range(count):
            np.multiply(uncovered, variety, out=value)
            np.add(value, worth, out=value)
            if sorts is not None:
                value[self.beyond != sorts[place]] = -np.inf
            order[place] = pick = int(value.argmax())
            worth[pick] = -np.inf
            np.multiply(uncovered, self.fresh[pick], out=uncovered)
        return order

    def _told(self, order: NDArray[np.intp]) -> _Picks:
        """Return an order with what there is to be told of each: what stands above it, and how like that is."""
        above = ~np.tri(len(order), dtype=np.bool_)  # [earlier, later]
        pairs = np.ix_(order, order)
        cosines = np.where(above, self.cosines[pairs], np.float32(0.0))
        similarity = cosines.max(axis=0)
        return _Picks(
            order=order,
            closest=np.where(similarity > 0, order[cosines.argmax(axis=0)], -1),
            similarity=similarity,
            crowding=1.0 - np.where(above, self.fresh[pairs], 1.0).prod(axis=0),
        )


def diversity_of(vectors: NDArray[np.float32]) -> float:
    """Return the intra-list diversity of (k, d) vectors: the mean of one minus the cosine over all pairs."""
    count = len(vectors)
    if count < 2:
        return 0.0
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    return float(1.0 - (cosines.sum() - np.trace(cosines)) / (count * (count - 1)))
