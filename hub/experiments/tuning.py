"""Learning a mix from logs: linear in the layers, so that every explanation stays exact.

    half of the customers   teach: weights are learned on what they bought after T
    the other half          choose: the strength of the pull is what serves them best

A customer is wholly in one half (by a hash of their id), whatever the task. Choosing among a handful of
candidates flatters them a little; a later window tells the gain, see `hub.experiments.proposal`.

Listwise softmax (Cao et al., "Learning to Rank", ICML 2007): what was bought shall stand out among the candidates.
Weights are never below zero, so that a layer is heard or silent and never turned on its head, and are pulled towards
the mix in force, the more the less the log has to say. The search ends with a few steps on nDCG itself.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.experiments.bootstrap import Interval, interval
from hub.experiments.evaluation import Case, Step, mean_ndcg_of_mixes
from hub.layers.mix import LOUDEST

PULLS = (1e-4, 1e-3, 1e-2)  # of the squared distance from the mix in force
SHARPNESS = 8.0  # the softmax's: scores of layers lie in [-1, 1]
FACTORS = (0.0, 0.5, 0.7, 1.4, 2.0)  # by which one weight is tried at a time
ROUNDS = 3
LEAST_GAIN = 1e-5


def _quiet(_done: int, _total: int) -> None:
    return


@dataclass(frozen=True, slots=True)
class Tuned:
    """A proposed mix, and what it gained for those who chose over the mix in force, mean nDCG@10."""

    weights: Mapping[str, float]
    before: float
    after: float
    gain: Interval


@dataclass(frozen=True, slots=True, eq=False)
class _Listed:
    """One customer's candidates as a matrix (c, layers) and which of them were bought."""

    scores: NDArray[np.float64]
    bought: NDArray[np.bool_]


def tune(
    training: Sequence[Case],
    validation: Sequence[Case],
    mix: Mapping[str, float],
    layers: Sequence[str],
    *,
    progress: Step = _quiet,
) -> Tuned:
    """Learn a mix.

    Args:
        training: decisions for those who teach.
        validation: those for the others, see `halves`.
        mix: the mix in force.
        layers: which layers may play.
        progress: told (steps done, steps).
    """
    names = list(layers)
    start = np.array([mix.get(name, 0.0) for name in names])
    lists = [_listed(case, names) for case in training if len(case.rows)]
    lists = [one for one in lists if one.bought.any()]
    steps = len(PULLS) + 1
    found = [start]
    for number, pull in enumerate(PULLS):
        progress(number, steps)
        learned = _learn(lists, start, pull) if lists else start
        found.append(_climb(training, learned, names))
    progress(steps - 1, steps)
    values = mean_ndcg_of_mixes(validation, np.stack(found), names)
    best = int(values.mean(axis=0).argmax())
    progress(steps, steps)
    return Tuned(
        {
            name: round(float(weight), 4)
            for name, weight in zip(names, found[best], strict=True)
            if weight > 0
        },
        float(values[:, 0].mean()),
        float(values[:, best].mean()),
        interval(values[:, best] - values[:, 0]),
    )


def halves(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Return the cases of those customers who teach, and of those who choose."""
    parts: tuple[list[Case], list[Case]] = ([], [])
    for case in cases:
        parts[hashlib.sha256(f"tune:{case.user}".encode()).digest()[0] % 2].append(case)
    return parts


def _listed(case: Case, names: Sequence[str]) -> _Listed:
    return _Listed(
        np.stack([case.scores[name] for name in names], axis=1), np.isin(case.rows, list(case.truth))
    )


def _learn(lists: Sequence[_Listed], start: NDArray[np.float64], pull: float) -> NDArray[np.float64]:
    from scipy.optimize import minimize

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        lost = pull * float(np.sum((weights - start) ** 2))
        slope = 2.0 * pull * (weights - start)
        for one in lists:
            heights = SHARPNESS * (one.scores @ weights)
            heights -= heights.max()
            shares = np.exp(heights)
            total = shares.sum()
            lost += (np.log(total) - heights[one.bought].mean()) / len(lists)
            expected = (shares / total) @ one.scores
            slope += SHARPNESS * (expected - one.scores[one.bought].mean(axis=0)) / len(lists)
        return lost, slope

    bounds = [(0.0, LOUDEST / 2)] * len(start)
    done = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200})
    return _scaled(np.asarray(done.x, np.float64))


def _scaled(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring the largest weight to 1: the order that a mix makes does not depend on its loudness."""
    largest = float(weights.max())
    return weights / largest if largest > 0 else weights


def _climb(cases: Sequence[Case], weights: NDArray[np.float64], names: Sequence[str]) -> NDArray[np.float64]:
    """Change one weight at a time while that raises the mean nDCG on the training window."""
    best = weights
    value = float(mean_ndcg_of_mixes(cases, best[None, :], names).mean())
    for _ in range(ROUNDS):
        tried = [
            best * np.where(np.arange(len(best)) == i, f, 1.0) for i in np.flatnonzero(best) for f in FACTORS
        ]
        tried = [one for one in tried if one.any()]
        if not tried:
            break
        means = mean_ndcg_of_mixes(cases, np.stack(tried), names).mean(axis=0)
        if means.max() < value + LEAST_GAIN:
            break
        best, value = tried[int(means.argmax())], float(means.max())
    return _scaled(best)
