"""Layer `session`: what the customer is after right now, in this visit."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.table import Paths
from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.similarity import damp, nearness, ramp, telling_evidence
from hub.layers.words import Memory, given_back, quoted, short_title
from hub.profiles.view import ProfileView

UNRELATED = 0.2
SAME = 0.75
WORTH_TELLING = 0.15
SEEN_ALREADY = 0.5  # what was just looked at needs less pointing at than its like
GIVEN_BACK = 0.0
BESIDE_OTHERS = 0.1  # what likeness in words counts where others' baskets tell; `interests` hears it too
TOGETHER_GAIN = 5.0
SPEAKS_OF_ITSELF = 0.5  # cosine from which likeness is the better reason


class SessionLayer:
    """The cosine to what was looked at, read or searched in this visit; what was seen itself counts half.

    Where the hub has learned what stands in the same orders, that says more: a weight of a fifth counts fully, and
    likeness in words a tenth.
    """

    name: str = "session"
    version: int = 3
    title: str = "This visit"
    description: str = "What is like the things you are looking at and searching for in this visit."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score by the nearest direction of the session; nothing without one."""
        found = nearness(candidates, view.session)
        scores = self._alike(found.cosines, view, candidates)
        seen = {piece.content_key for evidence in view.session.evidence for piece in evidence}
        scores = damp(candidates, scores, seen, SEEN_ALREADY)
        scores = damp(candidates, scores, given_back(view), GIVEN_BACK)
        memory = Memory(view, candidates.snapshot)

        @cache
        def beside_what_was_seen() -> Paths:
            return candidates.snapshot.neighbours.basket.out_of(_rows(view, candidates))

        def sentence(position: int) -> str:
            if scores[position] < WORTH_TELLING:
                return ""
            snapshot = candidates.snapshot
            led = beside_what_was_seen().strongest(int(candidates.rows[position]))
            if led is not None and found.cosines[position] < SPEAKS_OF_ITSELF:
                return f"Often bought with {quoted(short_title(snapshot.contents[led]))}"
            direction = int(found.nearest[position])
            about = candidates.snapshot.contents[candidates.rows[position]].key
            evidence = view.session.evidence[direction] if view.session.evidence else ()
            told = memory.because(telling_evidence(candidates, position, evidence), about=about)
            label = view.session.labels[direction] if view.session.labels else ""
            return told or (f"Because you are looking for {label}" if label else "")

        return Contribution(scores, sentence)

    def _alike(
        self, cosines: NDArray[np.float64], view: ProfileView, candidates: Candidates
    ) -> NDArray[np.float64]:
        """Return (c,) from 0 to 1: likeness in words, and what others put into one order with what is looked at."""
        alike = ramp(cosines, UNRELATED, SAME)
        snapshot = candidates.snapshot
        rows = _rows(view, candidates)
        if not len(rows):
            return alike
        together = snapshot.neighbours.basket.spread(rows, np.ones(len(rows)))
        if not together.any():
            return alike
        together = snapshot.borrowing.filled(together)[candidates.rows]
        taught = snapshot.taught_kinds[snapshot.kind_codes[candidates.rows]]
        return np.where(taught, np.clip(BESIDE_OTHERS * alike + TOGETHER_GAIN * together, 0.0, 1.0), alike)


def _rows(view: ProfileView, candidates: Candidates) -> NDArray[np.intp]:
    """Return the rows of what was looked at in this visit; none where nothing is learned of any."""
    if not len(candidates.snapshot.neighbours):
        return np.zeros(0, np.intp)
    keys = {piece.content_key for evidence in view.session.evidence for piece in evidence}
    rows = (candidates.snapshot.row(key) for key in keys)
    return np.array(sorted(row for row in rows if row is not None), np.intp)
