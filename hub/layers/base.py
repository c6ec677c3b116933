"""The contract of a layer: one separable section of the orchestra.

A layer is pure (same view, candidates and moment: same scores), vectorised over candidates,
versioned, and knows nothing of other layers. The mix multiplies its scores by a weight and adds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.profiles.view import ProfileView


@dataclass(frozen=True, slots=True)
class Moment:
    """A detected situation of the customer: first visit, return after absence, just bought, ..."""

    key: str
    title: str
    at: datetime
    about: tuple[str, ...] = ()  # content keys that it is about: what was bought, what lies in the cart


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What is still in the running: `rows` (c,) positions in the snapshot, ascending.

    `vectors` is (c, d) float32, rows of length 1 (or all zero where a content has no vector yet);
    it is gathered once for all layers, and can be read only, as all of the snapshot's arrays.
    """

    snapshot: CatalogueSnapshot
    rows: NDArray[np.intp]
    vectors: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", self.snapshot.vectors[self.rows])
        self.vectors.flags.writeable = False

    def __len__(self) -> int:
        return len(self.rows)


def _nothing(_position: int) -> str:
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class Contribution:
    """One layer's verdict: `scores` (c,) float64 in [-1, 1], one for each candidate.

    `sentence` tells in words why the candidate at a position got its score ("" where there is
    nothing to tell); it is asked only for the items that are finally shown.
    """

    scores: NDArray[np.float64]
    sentence: Callable[[int], str] = _nothing


@runtime_checkable
class Layer(Protocol):
    """One separable scoring function."""

    name: str
    version: int
    title: str
    description: str

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score every candidate for one customer at one moment."""
        ...
