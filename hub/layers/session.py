"""Layer `session`: what the customer is after right now, in this visit."""

import numpy as np

from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.similarity import nearness, ramp, telling_evidence
from hub.layers.words import Memory
from hub.profiles.view import ProfileView

UNRELATED = 0.2
SAME = 0.75
SEEN_ALREADY = 0.5  # what was just looked at needs less pointing at than its like


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
        if len(view.session):
            seen = {piece.content_key for evidence in view.session.evidence for piece in evidence}
            rows = [row for key in seen if (row := candidates.snapshot.row(key)) is not None]
            scores = np.where(np.isin(candidates.rows, rows), SEEN_ALREADY * scores, scores)
        memory = Memory(view, candidates.snapshot)

        def sentence(position: int) -> str:
            if scores[position] <= 0:
                return ""
            direction = int(found.nearest[position])
            about = candidates.snapshot.contents[candidates.rows[position]].key
            evidence = view.session.evidence[direction] if view.session.evidence else ()
            told = memory.because(telling_evidence(candidates, position, evidence), about=about)
            label = view.session.labels[direction] if view.session.labels else ""
            return told or (f"Because you are looking for {label}" if label else "")

        return Contribution(scores, sentence)
