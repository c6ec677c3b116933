"""Layer `base`: what the brand would show to anybody. Popularity, an editor's push, novelty."""

import numpy as np

from hub.layers.base import Candidates, Contribution, Moment
from hub.profiles.view import ProfileView

EDITORIAL_SHARE = 0.5
NOVELTY_SHARE = 0.02
NOVELTY_HALF_LIFE_DAYS = 14.0
POPULAR = 0.6  # popularity from which it is fair to say so
KNOWN = 0.3
EDITORS_CHOICE = 0.4
NEW_DAYS = 7.0
RECENT_DAYS = 30.0
DAY = 86_400.0


class BaseLayer:
    """`popularity + editorial / 2 + novelty / 50`, held within [-1, 1]; novelty halves every fortnight."""

    name: str = "base"
    version: int = 2
    title: str = "Popular, new and chosen"
    description: str = "What the brand shows to anybody: popular lately, new, or chosen by its editors."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score without looking at the customer at all."""
        snapshot, rows = candidates.snapshot, candidates.rows
        popularity = snapshot.popularity[rows].astype(np.float64)
        editorial = snapshot.editorial[rows].astype(np.float64)
        age_days = (moment.at.timestamp() - snapshot.published[rows]) / DAY
        fresh = np.where(age_days >= 0, 0.5 ** (np.maximum(age_days, 0.0) / NOVELTY_HALF_LIFE_DAYS), 0.0)
        scores = np.clip(popularity + EDITORIAL_SHARE * editorial + NOVELTY_SHARE * fresh, -1.0, 1.0)

        def sentence(position: int) -> str:
            if editorial[position] >= EDITORS_CHOICE:
                return "Chosen by our editors"
            if popularity[position] >= POPULAR:
                return "Popular this month"
            if 0 <= age_days[position] < NEW_DAYS:
                return "New this week"
            if 0 <= age_days[position] < RECENT_DAYS:
                return "New this month"
            return "Liked by many of our customers" if popularity[position] >= KNOWN else ""

        return Contribution(scores, sentence)
