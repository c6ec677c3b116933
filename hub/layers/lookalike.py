"""Layer `lookalike`: what known groups like, for visitors of whom little else is known.

    how they came (campaign, referrer, language, country)   the group of those who came so
    what they looked at first                               the segments whose members deal with such things
    that they never bought                                  those who came before them: what newcomers choose first

Which segments a visitor may be of is told by Bayes' rule, each segment by itself since they overlap; the
layer falls silent as the visitor shows more of their own.
"""

import math

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.audience import SEGMENT, Audience, Group
from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.segment import taste
from hub.profiles.view import ProfileView

ENOUGH = 3.0  # signals at which the layer counts half
STRANGE_NO_MORE = 3  # purchases from which nobody is unknown
WORTH_TELLING = 0.15
SMOOTHING = 1.0
FIRST_CHOSEN = "Often among the first things that our customers choose"
HINTS = ("campaign", "referrer", "language", "country", "visit_country")


class LookalikeLayer:
    """What newcomers choose more than everybody does, and the mean taste of the groups that a visitor is or may be of.

    Both fade with each thing that the visitor does. Whom the hub may not know is met as one of whom nothing is known.
    """

    name: str = "lookalike"
    version: int = 2
    title: str = "Visitors like you"
    description: str = (
        "What visitors like, who came for the first time, or as you did, or looked at the same first, while we know "
        "little of you."
    )

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score from -1 to 1; nothing for those of whom enough is known."""
        bought = sum(own.count > 0 for own in view.owned.values()) if view.personal else 0
        if bought >= STRANGE_NO_MORE or not len(candidates):
            return Contribution(np.zeros(len(candidates)))
        came = came_by(view) if view.personal else ()
        groups = _groups(view, candidates, came)
        tastes = np.zeros(len(candidates))
        if groups:
            summed = np.zeros(len(candidates.snapshot.categories))
            for group, weight in groups.values():
                summed += weight * taste(group, candidates.snapshot)
            summed /= max(sum(weight for _, weight in groups.values()), 1.0)
            tastes = summed[candidates.snapshot.category_codes[candidates.rows]]
        first = newcomers_excess(candidates)
        done = len(view.recent) if view.personal else 0
        fading = ENOUGH / (ENOUGH + done + STRANGE_NO_MORE * bought)
        scores: NDArray[np.float64] = np.clip(fading * (tastes + first), -1.0, 1.0)
        alike = "Liked by visitors who began as you did"
        told = "Liked by visitors who came here as you did" if any(name in groups for name in came) else alike

        def sentence(position: int) -> str:
            if scores[position] < WORTH_TELLING:
                return ""
            return FIRST_CHOSEN if first[position] >= tastes[position] else told

        return Contribution(scores, sentence)


def newcomers_excess(candidates: Candidates) -> NDArray[np.float64]:
    """Return (c,) by how much newcomers will choose each content more than it is popular, from -1 to 1.

    Added to popularity it turns that into what newcomers choose; 0 where nothing is learned of newcomers.
    """
    snapshot, rows = candidates.snapshot, candidates.rows
    first = snapshot.tendencies.first
    if not first.any():
        return np.zeros(len(candidates))
    return np.asarray(first[rows] - snapshot.popularity[rows], np.float64)


def _groups(
    view: ProfileView, candidates: Candidates, came: tuple[str, ...]
) -> dict[str, tuple[Group, float]]:
    """Return the groups that a visitor is or may be of, each with a weight up to 1."""
    audience = candidates.snapshot.audience
    if not view.personal or not audience.groups:
        return {}
    found = {name: (audience.groups[name], 1.0) for name in came if name in audience.groups}
    seen = _categories_seen(view, candidates)
    for name, group in audience.groups.items():
        if name.startswith(SEGMENT) and name.removeprefix(SEGMENT) not in view.segments:
            gained = likelihood(group, audience, came, seen) - group.members / audience.everybody.members
            if gained > 0:
                found[name] = (group, gained)
    return found


def came_by(view: ProfileView) -> tuple[str, ...]:
    """Return how a visitor came, as names of groups: "country=GB"."""
    return tuple(
        f"{key}={value}" for key in HINTS if isinstance(value := view.traits.get(key), str) and value
    )


def likelihood(group: Group, audience: Audience, hints: tuple[str, ...], categories: frozenset[str]) -> float:
    """Return how likely somebody is of a group who came so and looked at such things, 0 to 1.

    Naive Bayes over what was shown, with Laplace smoothing; what was not shown says nothing.
    """
    everybody = audience.everybody
    others = max(everybody.members - group.members, 0)
    odds = math.log((group.members + SMOOTHING) / (others + SMOOTHING))
    evidence = [(group.hints.get(hint, 0), everybody.hints.get(hint, 0)) for hint in hints]
    evidence += [(group.categories.get(name, 0), everybody.categories.get(name, 0)) for name in categories]
    for mine, all_ in evidence:
        if all_:
            inside = (mine + SMOOTHING) / (group.members + 2 * SMOOTHING)
            outside = (max(all_ - mine, 0) + SMOOTHING) / (others + 2 * SMOOTHING)
            odds += math.log(inside / outside)
    return 1.0 / (1.0 + math.exp(-max(min(odds, 30.0), -30.0)))


def _categories_seen(view: ProfileView, candidates: Candidates) -> frozenset[str]:
    snapshot = candidates.snapshot
    rows = (snapshot.row(signal.content_key) for signal in view.recent if signal.content_key is not None)
    return frozenset(snapshot.contents[row].category for row in rows if row is not None) - {""}
