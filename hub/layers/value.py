"""Layer `value`: how dear things are that the customer chooses, compared with others of their kind."""

from collections.abc import Mapping

import numpy as np

from hub.layers.base import Candidates, Contribution, Moment
from hub.profiles.model import SignalKind
from hub.profiles.view import ProfileView

WEIGHTS: Mapping[SignalKind, float] = {
    SignalKind.PURCHASED: 3.0,
    SignalKind.ADDED: 2.0,
    SignalKind.SAVED: 2.0,
    SignalKind.CLICKED: 1.0,
    SignalKind.VIEWED: 1.0,
}
BOUGHT = 3.0
ENOUGH = 6.0  # weight of evidence at which the layer counts half: two purchases, or six looks
NARROWEST = 0.5  # standard deviations: nobody's band is narrower
WORTH_TELLING = 0.35
TELLING_WEIGHT = 9.0


class ValueLayer:
    """From 1 in the middle of the customer's price band towards -1 far from it; 0 where nothing has a price.

    Price is compared within the top category, in standard deviations of its logarithm: who buys the dear
    coffee is told apart from who buys furniture. What was bought counts thrice a look.
    """

    name: str = "value"
    version: int = 1
    title: str = "Your price range"
    description: str = "What costs, for its kind, about as much as the things you usually choose."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score by the distance to the customer's band; nothing without evidence of one."""
        levels = candidates.snapshot.price_levels
        weights: dict[int, float] = {}
        for signal in view.recent if view.personal else ():
            row = candidates.snapshot.row(signal.content_key) if signal.content_key is not None else None
            if row is not None and signal.kind in WEIGHTS:
                weights[row] = max(weights.get(row, 0.0), WEIGHTS[signal.kind])
        for key, own in view.owned.items() if view.personal else ():
            row = candidates.snapshot.row(key)
            if row is not None and own.count > 0:
                weights[row] = BOUGHT
        rows = np.array([row for row in weights if not np.isnan(levels[row])], np.intp)
        if not len(rows) or not len(candidates):
            return Contribution(np.zeros(len(candidates)))
        heavy = np.array([weights[row] for row in rows.tolist()])
        evidence = float(heavy.sum())
        middle = float(np.average(levels[rows], weights=heavy))
        spread = float(np.sqrt(np.average((levels[rows] - middle) ** 2, weights=heavy)))
        away = (levels[candidates.rows] - middle) / max(spread, NARROWEST)
        bells = 2.0 * np.exp(-0.5 * away**2) - 1.0
        scores = np.nan_to_num(bells * evidence / (evidence + ENOUGH), nan=0.0)

        def sentence(position: int) -> str:
            telling = scores[position] >= WORTH_TELLING and evidence >= TELLING_WEIGHT
            return "In the price range that you usually choose" if telling else ""

        return Contribution(scores, sentence)
