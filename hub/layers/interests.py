"""Layer `interests`: how near an item lies to what the customer has cared about over time."""

from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.similarity import damp, nearness, ramp, telling_evidence
from hub.layers.words import Memory, given_back
from hub.profiles.model import SignalKind
from hub.profiles.view import ProfileView

UNRELATED = 0.2  # cosine up to which two texts have nothing in common, for the shipped encoder
SAME = 0.85  # cosine from which they speak of the same thing
DAMPING = 0.25
WORTH_TELLING = 0.15  # a fainter likeness is no reason that a person would accept
READ_ALREADY = 0.4  # what was read need not be read again, unlike what was eaten
GIVEN_BACK = 0.0  # the customer wanted one, and not this one


class InterestsLayer:
    """The cosine to the nearest long-term interest, from 0 (unrelated) to 1 (the same thing).

    What was read already counts less: it says much of its reader, and little of what to read next. What
    was sent back counts nothing, though its like may.
    """

    name: str = "interests"
    version: int = 1
    title: str = "Your interests"
    description: str = "What is like the things you have bought, read and looked at over time."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score by the nearest of several directions; lighter ones count a little less."""
        found = nearness(candidates, view.interests, damping=DAMPING)
        scores = ramp(found.cosines, UNRELATED, SAME)
        read = {s.content_key for s in view.recent if s.kind is SignalKind.READ and s.content_key is not None}
        scores = damp(candidates, scores, read, READ_ALREADY)
        scores = damp(candidates, scores, given_back(view), GIVEN_BACK)
        memory = Memory(view, candidates.snapshot)

        def sentence(position: int) -> str:
            if scores[position] < WORTH_TELLING:
                return ""
            direction = int(found.nearest[position])
            about = candidates.snapshot.contents[candidates.rows[position]].key
            evidence = view.interests.evidence[direction] if view.interests.evidence else ()
            told = memory.because(telling_evidence(candidates, position, evidence), about=about)
            label = view.interests.labels[direction] if view.interests.labels else ""
            return told or (f"Because you are interested in {label}" if label else "")

        return Contribution(scores, sentence)
