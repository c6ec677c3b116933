"""Layer `needs`: what a purchase does to demand. Refills that are due, what goes with it, collections."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import NeedPattern
from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.lasting import Owned, due_items, due_sentence, owned_items, rhythm_sentence
from hub.layers.words import day, leaf_words, thing, when
from hub.profiles.view import ProfileView

DUE = 1.0
CART = 0.9
COMPLEMENT = 0.6
COMPLEMENT_HALF_LIFE_DAYS = 21.0
COMPLEMENT_DAYS = 90.0
COLLECTION = 0.5


@dataclass(slots=True)
class Board:
    """The best score so far of each candidate, and the reason that gave it."""

    scores: NDArray[np.float64]
    reasons: NDArray[np.int32]
    sentences: list[Callable[[], str]] = field(default_factory=lambda: [lambda: ""])

    def give(self, where: NDArray[np.bool_], score: float, sentence: Callable[[], str]) -> None:
        """Score candidates, unless something better was found for them; the sentence waits to be asked for."""
        better = where & (self.scores < score)
        if better.any():
            self.scores[better] = score
            self.reasons[better] = len(self.sentences)
            self.sentences.append(sentence)


class NeedsLayer:
    """1 for a refill that is due, less for complements of a purchase (halving in three weeks) and collections."""

    name: str = "needs"
    version: int = 1
    title: str = "What you need next"
    description: str = (
        "Refills when they should be running out, what goes with a purchase, and your collections."
    )

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score by what the customer bought; nothing for those who refused personalization."""
        board = Board(np.zeros(len(candidates)), np.zeros(len(candidates), np.int32))
        if view.personal and len(candidates):
            self._score(view, candidates, moment, board)
        return Contribution(board.scores, lambda position: board.sentences[board.reasons[position]]())

    def _score(self, view: ProfileView, candidates: Candidates, moment: Moment, board: Board) -> None:
        snapshot, rows = candidates.snapshot, candidates.rows
        owned = owned_items(view, snapshot)
        for item in due_items(owned, view.at):
            board.give(rows == item.row, DUE, partial(due_sentence, item))
        if moment.key == "cart_left":
            left = [row for key in moment.about if (row := snapshot.row(key)) is not None]
            board.give(np.isin(rows, left), CART, lambda: "Still waiting in your basket")
        codes = snapshot.category_codes[rows]
        for category, item in complements(owned, view.at).items():
            age = (view.at - item.ownership.last_at).total_seconds() / 86_400
            score = COMPLEMENT * 0.5 ** (max(age, 0.0) / COMPLEMENT_HALF_LIFE_DAYS)
            sentence = partial(complement_sentence, item, view.at)
            board.give(snapshot.in_category(category, codes), score, sentence)
        for category in collections(owned):
            sentence = partial(collection_sentence, category)
            board.give(snapshot.in_category(category, codes), COLLECTION, sentence)


def complement_sentence(item: Owned, at: datetime) -> str:
    """Return why something goes with a purchase."""
    return f"Goes well with the {thing(item.content)} you bought {when(item.ownership.last_at, at)}"


def collection_sentence(category: str) -> str:
    """Return why a collectible that is missing is shown."""
    return f"You collect {leaf_words(category)}, and do not have this one yet"


def lasting_sentence(item: Owned, at: datetime) -> str:
    """Return what is said of a purchase that still satisfies its need."""
    until = item.lasts_until
    end = f" until {day(until, at)}" if until is not None else ""
    rhythm = rhythm_sentence(item)
    reason = f": {rhythm}" if rhythm else ""
    return f"The {thing(item.content)} you bought {when(item.ownership.last_at, at)} should last{end}{reason}"


def complements(owned: Iterable[Owned], at: datetime) -> dict[str, Owned]:
    """Return the categories that go with a purchase of the last three months, each with it, the latest first."""
    found: dict[str, Owned] = {}
    since = at - timedelta(days=COMPLEMENT_DAYS)
    for item in owned:
        if not item.content.goes_with or item.ownership.last_at < since:
            continue
        for category in item.content.goes_with:
            known = found.get(category)
            if known is None or (known.ownership.last_at, known.row) < (item.ownership.last_at, item.row):
                found[category] = item
    return dict(sorted(found.items(), key=lambda pair: pair[1].ownership.last_at, reverse=True))


def collections(owned: Iterable[Owned]) -> list[str]:
    """Return the categories of which the customer has collectibles, sorted."""
    return sorted(
        {
            item.content.category
            for item in owned
            if item.content.need.pattern is NeedPattern.COLLECTIBLE and item.content.category
        }
    )
