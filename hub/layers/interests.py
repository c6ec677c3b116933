"""Layer `interests`: how near an item lies to what the customer has cared about over time."""

import numpy as np
from numpy.typing import NDArray

from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.similarity import damp, nearness, ramp, telling_evidence
from hub.layers.words import Memory, given_back
from hub.profiles.model import SignalKind
from hub.profiles.view import ProfileView

UNRELATED = 0.2  # cosine up to which two texts have nothing in common, for the shipped encoder
SAME = 0.85  # cosine from which they speak of the same thing
DAMPING = 0.25
NEAREST_SHARE, COMPANY_SHARE, WORDS_SHARE = 0.25, 0.5, 0.25
UNSURE = (
    2  # things looked at in a first visit at which interests count half: a look is no lasting interest yet
)
SHARPNESS = 4  # power of the cosine, an even one, so that only what is really alike counts
MEANT_ALIKE = (
    6.0  # what the mean of these is multiplied by: a sixth of all the same thing is as much as can be
)
NEW_SHARPNESS, NEW_ALIKE = 6, 40.0  # the same for what is new, where nothing but likeness tells things apart
CALLED_ALIKE = 12.0  # the same for the mean cosine of words, which is seldom as large
WORTH_TELLING = 0.15  # a fainter likeness is no reason that a person would accept
READ_ALREADY = 0.4  # what was read need not be read again, unlike what was eaten
GIVEN_BACK = 0.0  # the customer wanted one, and not this one


class InterestsLayer:
    """How near a content lies to the customer's interests, from 0 (unrelated) to 1 (the same thing).

    A quarter is the cosine to the nearest interest; half is how much of what stands behind all of them means the
    same, and a quarter how much of it is called the same. The nearest alone forgets how many things speak for it.
    What is so new that nothing was learned of it is known by its likeness alone: to all that stands behind the
    interests and all that the customer has of their kind.

    What was read already counts less: it says much of its reader, and little of what to read next. What
    was sent back counts nothing, though its like may.
    """

    name: str = "interests"
    version: int = 3
    title: str = "Your interests"
    description: str = "What is like the things you have bought, read and looked at over time."

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score by the nearest of several directions; lighter ones count a little less."""
        found = nearness(candidates, view.interests, damping=DAMPING)
        scores = ramp(found.cosines, UNRELATED, SAME)
        rows = _behind(view, candidates)
        if len(rows):
            called = candidates.snapshot.words.likeness(candidates.rows, rows)
            scores = (
                NEAREST_SHARE * scores
                + COMPANY_SHARE
                * np.minimum(MEANT_ALIKE * _density(candidates.vectors, rows, candidates), 1.0)
                + WORDS_SHARE * np.minimum(CALLED_ALIKE * called, 1.0)
            )
            scores = _lasting(view, len(rows)) * _of_the_new(view, candidates, rows, scores)
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


def _behind(view: ProfileView, candidates: Candidates) -> NDArray[np.intp]:
    """Return the rows of what stands behind the interests; what the customer disowned is not among it."""
    keys = {piece.content_key for evidence in view.interests.evidence for piece in evidence}
    rows = (candidates.snapshot.row(key) for key in keys)
    return np.array(sorted(row for row in rows if row is not None), np.intp)


def _lasting(view: ProfileView, count: int) -> float:
    """Return what share interests count: less while all that stands behind them is this very visit."""
    now = {piece.content_key for evidence in view.session.evidence for piece in evidence}
    behind = {piece.content_key for evidence in view.interests.evidence for piece in evidence}
    return count / (count + UNSURE) if behind <= now else 1.0


def _density(
    vectors: NDArray[np.float32], rows: NDArray[np.intp], candidates: Candidates, sharpness: int = SHARPNESS
) -> NDArray[np.float64]:
    """Return (c,) the mean of a power of the cosines of `vectors` (c, d) to some rows: how much of them means the same."""
    if not len(rows) or not len(vectors):
        return np.zeros(len(vectors))
    cosines = np.maximum(vectors @ candidates.snapshot.vectors[rows].T, 0.0)
    squares = cosines * cosines
    powers = squares.copy()
    for _ in range(sharpness // 2 - 1):  # products, since `**` with floats takes ten times as long
        powers *= squares
    return np.asarray(powers.mean(axis=1), np.float64)


def _of_the_new(
    view: ProfileView, candidates: Candidates, rows: NDArray[np.intp], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return scores (c,) in which what nothing was learned of has how much of all that is the customer's means the same."""
    snapshot = candidates.snapshot
    new = np.flatnonzero(np.isin(candidates.rows, snapshot.borrowing.rows))
    if not len(new):
        return scores
    owned = (snapshot.row(key) for key, own in view.owned.items() if own.count > 0)
    had = np.array([row for row in owned if row is not None], np.intp)
    # What has nothing in common with any interest that stands, as when it was disowned, is not listened to.
    near = (snapshot.vectors[had] @ view.interests.vectors.T).max(axis=1, initial=0.0)
    rows = np.union1d(rows, had[near >= UNRELATED])
    alike = NEW_ALIKE * _density(candidates.vectors[new], rows, candidates, NEW_SHARPNESS)
    scores = scores.copy()
    scores[new] = np.minimum(alike, 1.0)
    return scores
