"""The ranking: every eligible candidate in order, explained item by item when asked.

Scores of 500 candidates are a few additions of arrays; explanations of all of them would be 500 lists
of objects that nobody reads. So an item is made when it is asked for, and kept.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.brand import NO_FACTS, forbidden_word
from hub.catalogue.model import BrandFacts, Content, ContentKind
from hub.decisions.model import LayerScores, OutOfReach, RankedItem, VarietyStep, Why
from hub.decisions.variety import Varied
from hub.layers.base import Candidates, Contribution
from hub.layers.guard import LayerFault
from hub.layers.mix import Mix
from hub.layers.words import leaf_words


def total(parts: Sequence[NDArray[np.float64]], count: int) -> NDArray[np.float64]:
    """Return the sum of weighted scores, added in the order of the mix.

    Always from the left, so that leaving a layer out gives the very bits that a mix without it gives.
    """
    result = np.zeros(count)
    for part in parts:
        result = result + part
    return result


def ranked(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return candidates by score, best first; equal scores in the order of their rows."""
    return np.argsort(-scores, kind="stable")


class ScoredRanking:
    """A `Ranking` over arrays. Not thread-safe: it belongs to the request that made it.

    `mix` is what was really played; `faults` are the layers that were asked for and failed; `speaker` is the brand
    that gives the reasons.
    """

    def __init__(
        self,
        candidates: Candidates,
        mix: Mix,
        contributions: Mapping[str, Contribution],
        parts: Mapping[str, NDArray[np.float64]],
        scores: NDArray[np.float64],
        by_score: NDArray[np.intp],
        varied: Varied,
        faults: Sequence[LayerFault] = (),
        speaker: BrandFacts = NO_FACTS,
    ) -> None:
        self._speaker = speaker
        self._candidates = candidates
        self.mix = mix
        self.faults = tuple(faults)
        self._contributions = contributions
        self._parts = parts
        self._scores = scores
        self._by_score = by_score
        self._varied = varied
        self._items: dict[int, RankedItem] = {}

    def __len__(self) -> int:
        return len(self._varied.order)

    @property
    def rows(self) -> NDArray[np.intp]:
        """The rows of all candidates in the catalogue, ascending, for whoever measures."""
        return self._candidates.rows

    def scores_by_layer(self) -> Mapping[str, NDArray[np.float64]]:
        """Return every layer's scores of the candidates at `rows`, before the mix weighs them."""
        return {name: contribution.scores for name, contribution in self._contributions.items()}

    @cached_property
    def out_of_reach(self) -> tuple[OutOfReach, ...]:
        """The lists that the dial of diversity does not hold for, neighbouring lengths together."""
        kinds = self._candidates.snapshot.kinds
        return tuple(
            OutOfReach(ContentKind(kinds[code]), run.shortest, run.longest, run.diversity)
            for code, runs in self._varied.missed.items()
            for run in runs
        )

    @cached_property
    def contents(self) -> Sequence[Content]:
        """The ranked contents, without explanation; position is index + 1."""
        contents = self._candidates.snapshot.contents
        return tuple(map(contents.__getitem__, self._candidates.rows[self._varied.order].tolist()))

    def item(self, index: int) -> RankedItem:
        """Return the item at an index (position - 1), explained; the same object every time.

        Raises:
            IndexError: if there is no such index; negative ones are not taken.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"the ranking has {len(self)} items; there is no index {index}")
        item = self._items.get(index)
        if item is None:
            item = self._items[index] = self._make(index)
        return item

    def first(self, count: int) -> tuple[RankedItem, ...]:
        """Return the first items, explained."""
        return tuple(self.item(index) for index in range(min(max(count, 0), len(self))))

    def _make(self, index: int) -> RankedItem:
        position = int(self._varied.order[index])
        rank_after = int(self._ranks[position])
        scores, _, ranks = self._tables
        layers, weights = self._mixed
        closest = int(self._varied.closest[position])
        contents, rows = self._candidates.snapshot.contents, self._candidates.rows
        return RankedItem(
            position=index + 1,
            score=float(self._scores[position]),
            content=contents[rows[position]],
            why=Why(
                sentence=self._sentence(position),
                parts=LayerScores(
                    layers, weights, scores[:, position].tolist(), ranks[:, position].tolist(), rank_after
                ),
                variety=VarietyStep(
                    rank_by_score=rank_after,
                    closest_key=contents[rows[closest]].key if closest >= 0 else None,
                    similarity=float(self._varied.similarity[position]),
                    crowding=float(self._varied.crowding[position]),
                ),
            ),
        )

    @cached_property
    def _ranks(self) -> NDArray[np.intp]:
        return _places(self._by_score)

    @cached_property
    def _ranks_without(self) -> NDArray[np.intp]:
        """Of each layer in the order of the mix, (layers, candidates) the ranks there would be if it were mute.

        A layer that says nothing of anybody changes no sum when it is left out, so it has the ranks there are;
        and what stands before the one that is left out is added up once. Both keep every bit of `total`.
        """
        parts = list(self._parts.values())
        ranks = np.empty((len(parts), len(self)), np.intp)
        ranks[:] = self._ranks
        speaking = [number for number, part in enumerate(parts) if part.any()]
        before = np.zeros(len(self))
        sums = np.empty((len(speaking), len(self)))
        for at, number in enumerate(speaking):
            sums[at] = before
            for other in speaking[at + 1 :]:
                sums[at] += parts[other]
            before = before + parts[number]
        orders = np.argsort(-sums, axis=1, kind="stable")
        for number, order in zip(speaking, orders, strict=True):
            ranks[number] = _places(order)
        return ranks

    @cached_property
    def _tables(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
        """Scores, contributions and ranks without, each (layers, candidates), in the order of the mix.

        An item is explained by one column of each: a tenth of the time of asking layer by layer.
        """
        names = list(self.mix.weights)
        shape = (len(names), len(self))
        return (
            np.array([self._contributions[name].scores for name in names], np.float64).reshape(shape),
            np.array([self._parts[name] for name in names], np.float64).reshape(shape),
            self._ranks_without,
        )

    @cached_property
    def _mixed(self) -> tuple[tuple[str, ...], tuple[float, ...]]:
        return tuple(self.mix.weights), tuple(map(float, self.mix.weights.values()))

    @cached_property
    def _means(self) -> list[float]:
        means: list[float] = self._tables[1].mean(axis=1).tolist()
        return means

    def _sentence(self, position: int) -> str:
        """Return the reason in which the item stands out most among all that were scored.

        Not the largest contribution: where everything is popular, popularity tells nothing. A reason may repeat
        a customer's own words; one that says what the brand never says is passed over.
        """
        parts = self._tables[1][:, position].tolist()
        standing_out = [
            (mean - part, name)
            for name, part, mean in zip(self.mix.weights, parts, self._means, strict=True)
            if part > 0
        ]
        standing_out.sort(key=itemgetter(0))
        for _, name in standing_out:
            told = self._contributions[name].sentence(position)
            if told and forbidden_word((told,), self._speaker) is None:
                return told
        category = leaf_words(self._candidates.snapshot.contents[self._candidates.rows[position]].category)
        return f"Something else from our {category}" if category else "Something else from our range"


def _places(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return of each candidate its rank in an order, 1 for the first."""
    places = np.empty(len(order), np.intp)
    places[order] = np.arange(1, len(order) + 1)
    return places
