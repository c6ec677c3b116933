"""How sure a match is: scores to a chance of being right.

A logistic regression (D. R. Cox, 1958) on three numbers: the best answer's score, its lead over the
runner-up, and the cosine of the question to its nearest text. The weights are those of the house:
fitted to what `hub.answers.resolver` would have said of the house's own questions unseen, drawn
towards the cautious weights below, which are set by hand, where the house has few: with them a
question that has nothing to compare with is answered from a cosine of about 0.62.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ASKED_IN_VAIN = 0.2  # which share of questions is assumed to have no approved answer
FIRM = 10.0  # how many observations the given weights are worth
ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of the regression of "the best match is right".

    `threshold` is the least confidence at which the answer is said: likelier right than wrong.
    """

    score: float = 1.0
    lead: float = 5.0
    similarity: float = 6.0
    intercept: float = -5.0
    threshold: float = 0.5

    def confidence(self, best: float, runner_up: float, similarity: float) -> float:
        """Return the chance in (0, 1) that the best match is right."""
        lead = max(0.0, best - max(0.0, runner_up))
        sum_ = self.score * best + self.lead * lead + self.similarity * similarity + self.intercept
        return 1.0 / (1.0 + math.exp(-max(-500.0, min(500.0, sum_))))


def calibrate(*, known: Array, right: NDArray[np.bool_], unknown: Array) -> Calibration:
    """Return the weights of a house.

    Args:
        known: (n, 3) best score, runner-up's score, similarity: of questions whose answer was there.
        right: (n,) whether the best was their answer.
        unknown: (m, 3) the same of questions whose answer was not there, so that any is wrong.
    """
    prior = Calibration()
    centre = np.array([prior.score, prior.lead, prior.similarity, prior.intercept])
    features = _features(np.concatenate([known, unknown]))
    outcome = np.concatenate([right, np.zeros(len(unknown), np.bool_)]).astype(np.float64)
    share = ASKED_IN_VAIN / (1 - ASKED_IN_VAIN) * len(known) / max(1, len(unknown))
    weight = np.concatenate([np.ones(len(known)), np.full(len(unknown), share)])
    beta = _fit(features, outcome, weight, centre, np.ones(len(centre), np.bool_))
    # Being nearer or further ahead never makes an answer less likely, whatever few questions say. A weight
    # that would be negative is left out and the others are fitted without it: they had leaned on it.
    free = np.ones(len(centre), np.bool_)
    while (beta[:3] < 0).any():
        free[int(beta[:3].argmin())] = False
        beta = _fit(features, outcome, weight, np.where(free, centre, 0.0), free)
    return Calibration(*(float(each) for each in beta))


def _fit(features: Array, outcome: Array, weight: Array, centre: Array, free: NDArray[np.bool_]) -> Array:
    """Return the weights likeliest by Newton's method, drawn towards `centre`; those not free stay there."""
    # The prior is a cloud of observations of the usual spread, so that it is firm in what it can know.
    precision = FIRM * np.diag([0.02, 0.02, 0.02, 0.05])[np.ix_(free, free)]
    beta, seen = centre.copy(), features[:, free]
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(features @ beta, -30, 30)))
        gradient = seen.T @ (weight * (outcome - chance)) - precision @ (beta - centre)[free]
        curve = (seen * (weight * chance * (1 - chance))[:, None]).T @ seen + precision
        step = np.linalg.solve(curve, gradient)
        beta[free] += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-6:
            break
    return beta


def _features(measured: Array) -> Array:
    best, second, similarity = measured.T
    lead = np.maximum(0.0, best - np.maximum(0.0, second))
    return np.column_stack([best, lead, similarity, np.ones(len(measured))])
