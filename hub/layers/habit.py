"""Layer `habit`: what the customer buys again and again, in their own rhythm."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import NeedPattern
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.lasting import Owned, due_items, due_sentence, owned_items
from hub.layers.words import when
from hub.profiles.model import FeedbackKind
from hub.profiles.view import ProfileView

MOST_DAYS = 8  # purchases that count: as many as a facet keeps of one item
AGAIN = frozenset({NeedPattern.CONSUMABLE, NeedPattern.REPLENISHABLE})
RHYTHM_FROM = 3  # purchases from which two intervals make a rhythm
TOO_SOON = 0.25  # of the interval, up to which it is too soon for the next
LEAST = 0.5  # what is left of the score just after a purchase
COUNTING = 0.2  # what eight days are worth where counting speaks alone
LEARNED_SHARE = 0.7  # of the likelihood, where it is learned
COUNTED = 0.12  # what eight days are worth beside it
AGAINST = 0.1  # the most that it counts against a content to have it already
UNSURE = 2.0  # things that every customer is taken to have asked for again, as expected
WANTED = frozenset({FeedbackKind.REPEAT, FeedbackKind.SAVE, FeedbackKind.MORE})
SECONDS = 86_400.0


class HabitLayer:
    """How likely the customer buys the item again, from 0 to 1; a little below 0 for what is hardly ever bought twice.

    The likelihood is learned from who bought again and who did not (`hub.catalogue.tendencies`); a part of the score is what
    counting says: a share of eight of the days on which the customer bought the item; who bought three times and more
    has a rhythm, and within the first quarter of its interval it is too soon and counts less.
    Of who answered that they want again what they have, or do not, all else that they have is likelier, or less so.
    What who has it buys less likely than who does not is no habit, and speaks against the item, up to a tenth, unless it
    is known to run out.
    Where too little was learned, counting speaks alone. What is bought once in a lifetime or collected is no habit.
    """

    name: str = "habit"
    version: int = 4
    title: str = "Your usual"
    description: str = "What you buy again and again, in your own rhythm."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score what the customer bought by how often, and whether it is time."""
        scores = np.zeros(len(candidates))
        usual: dict[int, Owned] = {}
        if view.personal and len(candidates):
            items = {
                item.row: item
                for item in owned_items(view, candidates.snapshot)
                if item.content.need.pattern in AGAIN
            }
            rows = np.fromiter(items, np.intp, len(items))
            places = np.searchsorted(candidates.rows, rows)
            places[places == len(candidates)] = 0
            here = candidates.rows[places] == rows
            # Of all that they have, and not of candidates alone: what they skipped is often none any more.
            scores[places[here]] = habits_of(list(items.values()), view, candidates.snapshot)[here]
            usual = {int(place): items[int(row)] for place, row in zip(places[here], rows[here], strict=True)}

        def sentence(position: int) -> str:
            item = usual.get(position)
            if item is None:
                return ""
            if scores[position] < 0:
                return f"You bought this {when(item.ownership.last_at, view.at)}, and hardly anybody buys it again"
            if due_items([item], view.at):  # that it has run out says more than how often it was bought
                return due_sentence(item)
            days, last = item.ownership.days, when(item.ownership.last_at, view.at)
            if days < RHYTHM_FROM:
                return f"You bought this twice, last {last}" if days > 1 else f"You bought this {last}"
            return f"One of your usual: you bought it on {days} days, last {last}"

        return Contribution(scores, sentence)


def habits_of(items: Sequence[Owned], view: ProfileView, snapshot: CatalogueSnapshot) -> NDArray[np.float64]:
    """Return (k,) how much of a habit owned items are, by what was learned, else by counting their days."""
    learned = snapshot.tendencies
    counted = np.array([habit_of(item, view) for item in items], np.float64)
    if not len(learned.curve):
        return COUNTING * counted
    now = view.at.timestamp()
    known = np.array(
        [
            (
                item.row,
                item.ownership.days,
                now - item.ownership.last_at.timestamp(),
                now - item.ownership.first_at.timestamp(),
            )
            for item in items
        ],
        np.float64,
    ).reshape(len(items), 4)
    rows = known[:, 0].astype(np.intp)
    likely = learned.likely(
        rows, np.maximum(known[:, 1], 1.0), 1.0 + known[:, 2] / SECONDS, 1.0 + known[:, 3] / SECONDS
    )
    likely = np.minimum(likely * eagerness(view, items, likely), 1.0)
    lacking = np.maximum(1.0 - likely / np.maximum(learned.fresh[rows], 1e-12), 0.0)
    # Of what is known to run out others' purchases say how soon, not that it is never needed again.
    lacking[[item.content.need.pattern is NeedPattern.REPLENISHABLE for item in items]] = 0.0
    return np.asarray(LEARNED_SHARE * (likely - AGAINST * lacking) + COUNTED * counted, np.float64)


def eagerness(view: ProfileView, items: Sequence[Owned], likely: NDArray[np.float64]) -> float:
    """Return how much likelier than others the customer takes again what they have, by their answers.

    What they asked for again over what was expected of the things they answered to, both with `UNSURE` added: a gamma prior
    on a Poisson rate (the frailty of survival analysis; Vaupel et al., Demography, 1979).
    """
    chances: list[float] = likely.tolist()
    expected = {item.content.key: chance for item, chance in zip(items, chances, strict=True)}
    told = [(kind, expected[key]) for key, kind in view.feedback.items() if key in expected]
    wanted = sum(kind in WANTED for kind, _ in told)
    return (wanted + UNSURE) / (sum(chance for _, chance in told) + UNSURE)


def habit_of(item: Owned, view: ProfileView) -> float:
    """Return how much of a habit an owned item is at `view.at` by counting its days, from 0 to 1."""
    owned = item.ownership
    days = min(max(owned.days, 1), MOST_DAYS)
    strength = days / MOST_DAYS
    if owned.days < RHYTHM_FROM:
        return strength
    interval = (owned.last_at - owned.first_at).total_seconds() / SECONDS / (owned.days - 1)
    since = (view.at - owned.last_at).total_seconds() / SECONDS
    return strength * (LEAST + (1 - LEAST) * min(since / max(TOO_SOON * interval, 1e-9), 1.0))
