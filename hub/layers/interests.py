"""Layer `interests`: how near an item lies to what the customer has cared about over time."""

from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.similarity import nearness, ramp, telling_evidence
from hub.layers.words import Memory
from hub.profiles.view import ProfileView

UNRELATED = 0.1  # cosine up to which two texts have nothing in common, for the shipped encoder
SAME = 0.8  # cosine from which they speak of the same thing
DAMPING = 0.25


class InterestsLayer:
    """The cosine to the nearest long-term interest, from 0 (unrelated) to 1 (the same thing)."""

    name: str = "interests"
    version: int = 1
    title: str = "Your interests"
    description: str = "What is like the things you have bought, read and looked at over time."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score by the nearest of several directions; lighter ones count a little less."""
        found = nearness(candidates, view.interests, damping=DAMPING)
        scores = ramp(found.cosines, UNRELATED, SAME)
        memory = Memory(view, candidates.snapshot)

        def sentence(position: int) -> str:
            if scores[position] <= 0:
                return ""
            direction = int(found.nearest[position])
            about = candidates.snapshot.contents[candidates.rows[position]].key
            evidence = view.interests.evidence[direction] if view.interests.evidence else ()
            told = memory.because(telling_evidence(candidates, position, evidence), about=about)
            label = view.interests.labels[direction] if view.interests.labels else ""
            return told or (f"Because you are interested in {label}" if label else "")

        return Contribution(scores, sentence)
