"""How sure a match is: similarities to a chance of being right.

Two things tell whether the best match answers the question: how near it is, and how far ahead of
the runner-up. A logistic regression over both (D. R. Cox, 1958) makes them one number that can be
read as a chance. How it was fitted and what it was measured to do: docs/decisions/0061.
"""

import math
from dataclasses import dataclass

CHANCE_SIMILARITY = 0.3  # cosine that two unrelated questions of one trade easily have


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic regression of "the best match is right" on its similarity and its lead.

    `threshold` is the least confidence at which the answer is said. The weights hold for one encoder
    (all-MiniLM-L6-v2, any precision); another encoder needs its own.
    """

    similarity: float = 7.4
    lead: float = 10.6
    intercept: float = -6.3
    threshold: float = 0.5

    def confidence(self, best: float, runner_up: float) -> float:
        """Return the chance in (0, 1) that the best match is right; both are cosines.

        The runner-up counts as at least `CHANCE_SIMILARITY`, so that a house with one answer is not
        sure of it for want of a second.
        """
        lead = max(0.0, best - max(CHANCE_SIMILARITY, runner_up))
        return 1.0 / (1.0 + math.exp(-(self.similarity * best + self.lead * lead + self.intercept)))
