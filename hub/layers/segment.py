"""Layer `segment`: what suits the groups that a customer is in, by definition and by what their members do."""

import math

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.audience import SEGMENT, Group
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.layers.base import Candidates, Contribution, Moment
from hub.profiles.view import ProfileView

FAVOURED = 0.8  # what a segment's definition says it favours
TASTE_SHARE = 0.6  # the most that a segment's own doings count
FULL_LIFT = 4.0  # how much likelier a category is among the members to count fully
SMOOTHING = 5.0  # customers, so that a handful does not make a taste
WORTH_TELLING = 0.2


class SegmentLayer:
    """0.8 for what a segment favours; up to 0.6, up or down, for what its members deal with more than others.

    Of several segments the one that speaks most for an item counts, else the one that speaks most against.
    """

    name: str = "segment"
    version: int = 1
    title: str = "Your group"
    description: str = (
        "What suits the groups that you are in, by their definition and by what their members do."
    )

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score by the segments of the view; nothing without any."""
        snapshot = candidates.snapshot
        mine = [segment for segment in snapshot.segments if segment.key in view.segments]
        if not mine or not len(candidates):
            return Contribution(np.zeros(len(candidates)))
        codes = snapshot.category_codes[candidates.rows]
        table = np.zeros((len(mine), len(candidates)))
        for number, segment in enumerate(mine):
            group = snapshot.audience.groups.get(f"{SEGMENT}{segment.key}")
            if group is not None:
                table[number] = TASTE_SHARE * taste(group, snapshot)[codes]
            for category in segment.favours:
                favoured = snapshot.in_category(category, codes)
                table[number] = np.where(favoured, np.maximum(table[number], FAVOURED), table[number])
        best = table.argmax(axis=0)
        highest = table[best, np.arange(len(candidates))]
        scores = np.where(highest > 0, highest, table.min(axis=0))

        def sentence(position: int) -> str:
            if scores[position] < WORTH_TELLING:
                return ""
            return f"Chosen for {mine[int(best[position])].title}"

        return Contribution(scores, sentence)


def taste(group: Group, snapshot: CatalogueSnapshot) -> NDArray[np.float64]:
    """Return (k,) for each category of the catalogue, -1 to 1: how much more a group deals with it than all do.

    The logarithm of the ratio of two shares, smoothed; 1 where the group is four times as likely.
    """
    everybody = snapshot.audience.everybody
    mine = np.array([group.categories.get(name, 0) for name in snapshot.categories], np.float64)
    all_ = np.array([everybody.categories.get(name, 0) for name in snapshot.categories], np.float64)
    share = all_ / max(everybody.members, 1)
    lift = (mine + SMOOTHING * share) / ((group.members + SMOOTHING) * np.maximum(share, 1e-9))
    known = (all_ > 0) & (np.array(snapshot.categories) != "")
    lifts = np.log(np.maximum(lift, 1e-3)) / math.log(FULL_LIFT)
    return np.where(known, np.clip(lifts, -1.0, 1.0), 0.0)
