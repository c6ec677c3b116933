"""Layer `session`: what the customer is after right now, in this visit."""

from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.similarity import damp, nearness, ramp, telling_evidence
from hub.layers.words import Memory, given_back
from hub.profiles.view import ProfileView

UNRELATED = 0.2
SAME = 0.75
WORTH_TELLING = 0.15
SEEN_ALREADY = 0.5  # what was just looked at needs less pointing at than its like
GIVEN_BACK = 0.0


class SessionLayer:
    """The cosine to what was looked at, read or searched in this visit; what was seen itself counts half."""

    name: str = "session"
    version: int = 1
    title: str = "This visit"
    description: str = "What is like the things you are looking at and searching for in this visit."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score by the nearest direction of the session; nothing without one."""
        found = nearness(candidates, view.session)
        scores = ramp(found.cosines, UNRELATED, SAME)
        seen = {piece.content_key for evidence in view.session.evidence for piece in evidence}
        scores = damp(candidates, scores, seen, SEEN_ALREADY)
        scores = damp(candidates, scores, given_back(view), GIVEN_BACK)
        memory = Memory(view, candidates.snapshot)

        def sentence(position: int) -> str:
            if scores[position] < WORTH_TELLING:
                return ""
            direction = int(found.nearest[position])
            about = candidates.snapshot.contents[candidates.rows[position]].key
            evidence = view.session.evidence[direction] if view.session.evidence else ()
            told = memory.because(telling_evidence(candidates, position, evidence), about=about)
            label = view.session.labels[direction] if view.session.labels else ""
            return told or (f"Because you are looking for {label}" if label else "")

        return Contribution(scores, sentence)
