"""Layer `neighbours`: what people with the same things in their baskets have, and what they bought next."""

from functools import cache

import numpy as np

from hub.catalogue.table import Paths
from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.company import affinity, company_of, had
from hub.layers.similarity import damp
from hub.layers.words import quoted, short_title
from hub.profiles.view import ProfileView

WORTH_TELLING = 0.02


class NeighboursLayer:
    """The sum of the learned weights from all that the customer has to an item, softly held within [-1, 1] (tanh).

    Weights come from at least five customers each (`hub.catalogue.neighbours`), and are as loud as the shop's last month
    made them (`hub.catalogue.gain`), but no louder for what the customer has: `habit` speaks of that. Without any, silence.
    """

    name: str = "neighbours"
    version: int = 2
    title: str = "People like you"
    description: str = "What customers who have the same things also have, and what they bought next."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score by what the customer has; what nobody like them has scores 0."""
        spread = affinity(view, candidates.snapshot)
        if spread is None:
            return Contribution(np.zeros(len(candidates)))
        snapshot = candidates.snapshot
        as_learned = 1.0 / max(snapshot.neighbours.gain, 1.0)
        scores = np.tanh(damp(candidates, spread[candidates.rows], had(view), as_learned))

        @cache
        def paths() -> tuple[Paths, Paths]:
            rows = company_of(view, snapshot).rows
            return snapshot.neighbours.together.out_of(rows), snapshot.neighbours.next.out_of(rows)

        def sentence(position: int) -> str:
            if scores[position] < WORTH_TELLING:
                return ""
            row = int(candidates.rows[position])
            together, after = paths()
            led = together.strongest(row)
            if led is not None:
                return f"Often bought with {quoted(short_title(snapshot.contents[led]))}"
            led = after.strongest(row)
            return "" if led is None else f"Often bought after {quoted(short_title(snapshot.contents[led]))}"

        return Contribution(scores, sentence)
