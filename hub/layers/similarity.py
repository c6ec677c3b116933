"""How near candidates lie to some of a customer's directions, and how that nearness becomes a score."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.layers.base import Candidates
from hub.profiles.model import Evidence
from hub.profiles.view import Directions

NEAREST_EVIDENCE = 3  # how many pieces of a direction's evidence are tried for a sentence


@dataclass(frozen=True, slots=True, eq=False)
class Nearness:
    """Of each candidate the cosine to its nearest direction, and which that is.

    `cosines` is (c,) float64, after the damping of weaker directions; `nearest` is (c,) intp.
    """

    cosines: NDArray[np.float64]
    nearest: NDArray[np.intp]


def nearness(candidates: Candidates, directions: Directions, *, damping: float = 0.0) -> Nearness:
    """Compare every candidate with every direction and keep the nearest.

    One mean vector would lie between a person's interests and near none of them, so each direction
    counts alone (PinnerSage, KDD 2020). A direction with weight w, the heaviest being W, counts
    (w/W)**damping: 0 treats all alike, 1 leaves the lightest hardly heard.
    """
    if not len(directions) or not len(candidates):
        return Nearness(np.zeros(len(candidates)), np.zeros(len(candidates), np.intp))
    strength = (directions.weights / directions.weights.max()) ** damping
    cosines = (candidates.vectors @ directions.vectors.T).astype(np.float64) * strength
    nearest = cosines.argmax(axis=1)
    return Nearness(cosines[np.arange(len(cosines)), nearest], nearest)


def ramp(cosines: NDArray[np.float64], start: float, full: float) -> NDArray[np.float64]:
    """Return 0 up to `start`, 1 from `full`, and a straight line between."""
    scores: NDArray[np.float64] = np.minimum(np.maximum((cosines - start) / (full - start), 0.0), 1.0)
    return scores


def damp(
    candidates: Candidates, scores: NDArray[np.float64], keys: Iterable[str], factor: float
) -> NDArray[np.float64]:
    """Return scores (c,) with those of some contents multiplied by `factor`."""
    rows = [row for key in keys if (row := candidates.snapshot.row(key)) is not None]
    if not rows:
        return scores
    damped = np.zeros(len(candidates.snapshot), np.bool_)
    damped[rows] = True
    return np.where(damped[candidates.rows], factor * scores, scores)


def telling_evidence(candidates: Candidates, position: int, evidence: tuple[Evidence, ...]) -> list[Evidence]:
    """Return the pieces of evidence that speak most for one candidate: the most similar, then the latest."""
    snapshot = candidates.snapshot
    rows = [snapshot.row(piece.content_key) for piece in evidence]
    known = [
        (piece, float(snapshot.vectors[row] @ candidates.vectors[position]))
        for piece, row in zip(evidence, rows, strict=True)
        if row is not None
    ]
    known.sort(key=lambda pair: (-round(pair[1], 2), -pair[0].at.timestamp(), pair[0].content_key))
    return [piece for piece, _ in known[:NEAREST_EVIDENCE]]
