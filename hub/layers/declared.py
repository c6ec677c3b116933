"""Layer `declared`: what the customer told us, in words or by a thumb up or down."""

import numpy as np

from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.similarity import nearness, ramp
from hub.layers.words import quoted
from hub.profiles.model import FeedbackKind
from hub.profiles.view import ProfileView

UNRELATED = 0.25
SAME = 0.55  # three words are never very near to a whole description
AVOIDED_FROM = 0.4  # cosine from which an item counts as one of the avoided kind
AVOIDED_FULLY = 0.65
WORTH_TELLING = 0.3  # a fainter likeness is no reason that a person would accept
SPREAD = 0.1  # margin of cosines over which a like that is as near outweighs a dislike

FEEDBACK: dict[FeedbackKind, float] = {
    FeedbackKind.MORE: 0.6,
    FeedbackKind.SAVE: 0.6,
    FeedbackKind.REPEAT: 0.6,
    FeedbackKind.SKIP: -0.4,
    FeedbackKind.LESS: -1.0,
    FeedbackKind.HIDE: -1.0,
}


class DeclaredLayer:
    """Nearness to the likes, less nearness to the dislikes, and feedback on the very item.

    "Roses, not lilies": a rose lies near lilies too, so a dislike counts only as far as it is nearer
    than the nearest like.
    """

    name: str = "declared"
    version: int = 1
    title: str = "What you told us"
    description: str = "What you said you like or would rather not see, and your feedback on items."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score likes up to 1, dislikes down to -1; feedback on an item is added to it."""
        liked = nearness(candidates, view.declared)
        avoided = nearness(candidates, view.avoided)
        scores = ramp(liked.cosines, UNRELATED, SAME)
        if len(view.avoided):
            nearer = np.clip((avoided.cosines - liked.cosines) / SPREAD, 0.0, 1.0)
            scores = scores - 2.0 * nearer * ramp(avoided.cosines, AVOIDED_FROM, AVOIDED_FULLY)
        said: dict[int, FeedbackKind] = {}
        for key, kind in view.feedback.items():
            row = candidates.snapshot.row(key)
            position = int(np.searchsorted(candidates.rows, row)) if row is not None else len(candidates)
            if position < len(candidates) and candidates.rows[position] == row:
                said[position] = kind
                scores[position] += FEEDBACK[kind]
        scores = np.clip(scores, -1.0, 1.0)

        def sentence(position: int) -> str:
            kind = said.get(position)
            if kind is FeedbackKind.SAVE:
                return "You saved this"
            if kind is not None and FEEDBACK[kind] > 0:
                return "You asked to see this again"
            label = view.declared.labels[liked.nearest[position]] if view.declared.labels else ""
            if not label or scores[position] < WORTH_TELLING:
                return ""
            # What is said of somebody else may be any words: "a gardener", "my aunt, who bakes".
            return (
                f"Because you said {quoted(label)}" if view.for_another else f"You told us you like {label}"
            )

        return Contribution(scores, sentence)
