"""Layer `cross_brand`: what sister brands have for those who know one of them."""

import numpy as np

from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.similarity import nearness, ramp
from hub.layers.words import leaf_words
from hub.profiles.model import SignalKind
from hub.profiles.view import ProfileView

UNRELATED = 0.25
SAME = 0.75
DAMPING = 0.25
COMPLEMENT = 0.7  # of a category that goes with what was bought from the brand they know
WORTH_TELLING = 0.2
KNOWS = frozenset({SignalKind.PURCHASED, SignalKind.ADDED, SignalKind.SAVED})


class CrossBrandLayer:
    """Nearness to the customer's interests, and complements of purchases, of brands they have not tried yet.

    A brand is known of which something was bought, put in the basket or saved. Who knows none, or all, hears
    nothing of this layer.
    """

    name: str = "cross_brand"
    version: int = 1
    title: str = "From our sister brands"
    description: str = (
        "What our other brands have that is like, or goes with, what you chose from one of them."
    )

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score from 0 to 1 for what is of a brand that the customer does not know yet."""
        snapshot = candidates.snapshot
        keys = {key for key, own in view.owned.items() if own.count > 0}
        keys |= {s.content_key for s in view.recent if s.kind in KNOWS and s.content_key is not None}
        rows = sorted(row for key in keys if (row := snapshot.row(key)) is not None)
        known = np.zeros(len(snapshot.brands), np.bool_)
        known[snapshot.brand_codes[rows]] = True
        if not view.personal or not known.any() or known.all() or not len(candidates):
            return Contribution(np.zeros(len(candidates)))
        sister = ~known[snapshot.brand_codes[candidates.rows]]
        found = nearness(candidates, view.interests, damping=DAMPING)
        scores = np.where(sister, ramp(found.cosines, UNRELATED, SAME), 0.0)
        codes = snapshot.category_codes[candidates.rows]
        for category in {name for row in rows for name in snapshot.contents[row].goes_with}:
            goes = sister & snapshot.in_category(category, codes)
            scores = np.where(goes, np.maximum(scores, COMPLEMENT), scores)

        def sentence(position: int) -> str:
            if scores[position] < WORTH_TELLING:
                return ""
            brand = snapshot.brands[snapshot.brand_codes[candidates.rows[position]]]
            facts = snapshot.facts.get(brand)
            name = facts.name if facts is not None and facts.name else "our sister brand"
            label = view.interests.labels[int(found.nearest[position])] if view.interests.labels else ""
            about = label or leaf_words(snapshot.categories[codes[position]])
            return f"From {name}, since you like {about}" if about else f"From {name}"

        return Contribution(scores, sentence)
