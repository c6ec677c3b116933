"""What layers and gates may see of a customer: plain arrays, made by the consent gate and by it alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.profiles.model import Evidence, FeedbackKind, Ownership, Signal


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """Some interests as arrays: `vectors` (k, d) float32 of length 1, `weights` (k,) float64 summing to 1."""

    vectors: NDArray[np.float32]
    weights: NDArray[np.float64]
    labels: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    evidence: tuple[tuple[Evidence, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.weights)

    @classmethod
    def none(cls, dimensions: int) -> "Directions":
        """Return no directions at all."""
        return cls(np.zeros((0, dimensions), np.float32), np.zeros(0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProfileView:
    """One customer at one instant, restricted to what consent allows.

    For an unknown visitor, and for one who refused personalization, everything is empty and
    `personal` is False; suppressions (`owned`, `hidden`) are kept for the latter, since forgetting
    them would show a customer again what they asked not to see.
    """

    profile_id: str | None
    profile_version: int
    at: datetime
    personal: bool
    interests: Directions
    session: Directions
    declared: Directions
    avoided: Directions
    traits: Mapping[str, Any] = field(default_factory=dict)
    preferences: Mapping[str, Any] = field(default_factory=dict)
    owned: Mapping[str, Ownership] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    feedback: Mapping[str, FeedbackKind] = field(default_factory=dict)
    cart: tuple[str, ...] = ()
    recent: tuple[Signal, ...] = ()
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    segments: tuple[str, ...] = ()  # keys of the segments whose rules hold at `at`
    for_another: bool = False  # what is known is of somebody else, for whom this customer chooses
