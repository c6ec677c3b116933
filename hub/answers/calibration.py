"""How sure a match is: similarities to a chance of being right.

Two things tell whether the best match answers the question: how near it is, and how far ahead of
the runner-up. A logistic regression over both (D. R. Cox, 1958) makes them one number that can be
read as a chance.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic regression of "the best match is right" on its similarity and its lead.

    `threshold` is the least confidence at which the answer is said.
    """

    similarity: float = 9.0
    lead: float = 6.0
    intercept: float = -5.0
    threshold: float = 0.5

    def confidence(self, best: float, runner_up: float) -> float:
        """Return the chance in (0, 1) that the best match is right; both are cosines."""
        lead = max(0.0, best - max(0.0, runner_up))
        return 1.0 / (1.0 + math.exp(-(self.similarity * best + self.lead * lead + self.intercept)))
