"""A layer of one's own: what is new, in the morning. All that a layer needs is on this page."""

import numpy as np

from hub.layers.base import Candidates, Contribution, Moment
from hub.profiles.view import ProfileView

MORNING = range(5, 11)
WEEK = 7 * 86_400.0


class EarlyBirdLayer:
    """1 for what was published this very instant, falling to 0 within a week; silent but in the morning."""

    name: str = "early_bird"
    version: int = 1
    title: str = "Fresh this morning"
    description: str = "What is new this week, for those who come in the morning."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score all candidates at once; pure: the same view, candidates and moment, the same scores."""
        age = moment.at.timestamp() - candidates.snapshot.published[candidates.rows]
        fresh = np.where((age >= 0) & (age < WEEK), 1.0 - age / WEEK, 0.0)
        scores = fresh if moment.at.hour in MORNING else np.zeros(len(candidates))
        return Contribution(scores, lambda position: "Fresh this morning" if scores[position] > 0 else "")
