"""Interest arithmetic: from many signals to a few directions, and from directions to scores.

A person is never one average: the mean of roses and rye bread is near neither. Signals are grouped
by leader clustering, as PinnerSage does per user (Pal et al., KDD 2020, there with Ward's method on
batches): in order of time, each signal joins the nearest direction if it is near enough, else it
starts one. Weights fade by half every half-life, counted back from the last signal, so the passing
of time alone changes nothing. Everything here is a pure function of its arguments, and the order in
which signals are handed over does not matter.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HALF_LIFE_DAYS = 45.0
THRESHOLD = 0.45  # least cosine at which a signal joins a direction
MOST = 8  # directions kept
AVOID_FROM = 0.4  # cosine to an avoided direction from which it costs
AVOID_STRENGTH = 0.5  # cost of being wholly what is avoided is .3: strength * (1 - AVOID_FROM)
EVENNESS = 0.25  # 0: every interest counts alike, 1: in proportion to its weight
FADED = 1e-12  # of the heaviest signal: 40 half-lives, five years, after it was as heavy
_DAY = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """One interest: `vector` (d,) float32 of length 1, `weight` among all that were found.

    `members` are positions of the signals behind it, by time; `leader` is the member nearest to the
    direction: the best example to show a person.
    """

    vector: NDArray[np.float32]
    weight: float
    members: tuple[int, ...]
    leader: int


def cluster(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    times: NDArray[np.float64],
    *,
    half_life_days: float = HALF_LIFE_DAYS,
    threshold: float = THRESHOLD,
    most: int = MOST,
) -> list[Direction]:
    """Group signals into at most `most` directions, heaviest first; their weights sum to 1.

    Signals with weight 0 or less, those that have faded to nothing (`FADED` of the heaviest), and
    those whose vector is all zeros are left out.

    Args:
        vectors: (n, d) float32, rows of length 1.
        weights: (n,) float64, how much each signal says.
        times: (n,) float64, seconds since any fixed instant.
        half_life_days: after how many days a signal weighs half.
        threshold: least cosine at which a signal joins a direction.
        most: how many directions are kept; the lightest are dropped.

    Raises:
        ValueError: if shapes do not fit, a number is not finite, or a setting is not above 0.
    """
    if vectors.ndim != 2 or weights.shape != (len(vectors),) or times.shape != (len(vectors),):
        raise ValueError(f"shapes do not fit: {vectors.shape}, {weights.shape}, {times.shape}")
    if not (np.isfinite(vectors).all() and np.isfinite(weights).all() and np.isfinite(times).all()):
        raise ValueError("vectors, weights and times must be finite")
    if threshold <= 0 or half_life_days <= 0 or most < 1:
        raise ValueError("threshold, half_life_days and most must be above 0")
    weights = decayed(np.maximum(weights, 0), times, half_life_days=half_life_days)
    weights = weights / max(weights.max(initial=0), np.finfo(np.float64).tiny)
    kept = np.flatnonzero((weights > FADED) & vectors.any(axis=1))
    if not kept.size:
        return []
    order = _in_order(kept, vectors, weights, times)
    chosen, faded = vectors[order], weights[order]
    groups = _lead(chosen, faded, threshold)
    totals = np.array([faded[group].sum() for group in groups])
    heaviest = np.argsort(-totals, kind="stable")[:most]
    whole = totals[heaviest].sum()
    return [
        _direction(chosen, faded, groups[number], float(totals[number] / whole), order) for number in heaviest
    ]


def _in_order(
    kept: NDArray[np.intp],
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    times: NDArray[np.float64],
) -> NDArray[np.intp]:
    """Return rows by time, then weight; of equals by their vectors, so that the order of arguments says nothing."""
    order = kept[np.lexsort((weights[kept], times[kept]))]
    alike = (np.diff(times[order]) == 0) & (np.diff(weights[order]) == 0)
    if not alike.any():
        return order
    starts = np.flatnonzero(np.r_[True, ~alike])
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        if end - start > 1:
            order[start:end] = sorted(order[start:end], key=lambda row: vectors[row].tobytes())
    return order


def decayed(
    weights: NDArray[np.float64], times: NDArray[np.float64], *, half_life_days: float = HALF_LIFE_DAYS
) -> NDArray[np.float64]:
    """Return `weights` (n,) faded by half every `half_life_days`, counted back from the last of `times`."""
    if not len(times):
        return weights
    return np.asarray(weights * np.exp2((times - times.max()) / (half_life_days * _DAY)), np.float64)


def _lead(
    vectors: NDArray[np.float32], weights: NDArray[np.float64], threshold: float
) -> list[NDArray[np.intp]]:
    """Return the groups of leader clustering over rows in order.

    A direction is the weighted sum of its members. All products of pairs are computed once; then a
    signal costs additions alone: a sum's product with every row is the sum of its members' rows.
    """
    pairs = (vectors @ vectors.T).astype(np.float64)
    count = len(vectors)
    squares = (weights * weights * pairs.diagonal()).tolist()
    pairs *= weights[:, None]
    doubled = (2 * weights).tolist()
    sums = np.zeros((count, count))  # sums[g, i]: product of direction g, not scaled, with signal i
    lengths: list[float] = []  # squared length of each direction
    roots = np.ones(count)  # their square roots
    members: list[list[int]] = []
    cosines = np.empty(count)
    for row in range(count):
        known = len(members)
        nearest = known
        if known:
            found = np.divide(sums[:known, row], roots[:known], out=cosines[:known])
            best = int(found.argmax())
            if found[best] >= threshold:
                nearest = best
        if nearest == known:
            members.append([])
            lengths.append(0.0)
        lengths[nearest] += doubled[row] * sums.item(nearest, row) + squares[row]
        roots[nearest] = math.sqrt(lengths[nearest])
        sums[nearest, row + 1 :] += pairs[row, row + 1 :]  # what came before is settled
        members[nearest].append(row)
    return [np.array(group, np.intp) for group in members]


def _direction(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    group: NDArray[np.intp],
    weight: float,
    order: NDArray[np.intp],
) -> Direction:
    total = np.einsum("i,ij->j", weights[group], vectors[group], dtype=np.float64)
    vector = (total / np.sqrt(np.sum(total * total))).astype(np.float32)
    likeness = np.einsum("ij,j->i", vectors[group], vector)
    return Direction(
        vector=vector,
        weight=weight,
        members=tuple(int(order[row]) for row in group),
        leader=int(order[group[int(likeness.argmax())]]),
    )


def best_similarity(vectors: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (n,) the cosine of each of `vectors` (n, d) to the nearest of `directions` (k, d); 0 if k is 0."""
    if not len(directions):
        return np.zeros(len(vectors))
    return np.asarray((vectors @ directions.T).max(axis=1), np.float64)


def avoidance(
    vectors: NDArray[np.float32],
    avoided: NDArray[np.float32],
    *,
    threshold: float = AVOID_FROM,
    strength: float = AVOID_STRENGTH,
) -> NDArray[np.float64]:
    """Return (n,) the cost, 0 or less, of resembling what a person avoids.

    `-strength * max(0, cosine to the nearest of avoided (k, d) - threshold)`: what is merely related
    costs nothing.
    """
    if not len(avoided):
        return np.zeros(len(vectors))
    cost: NDArray[np.float64] = -strength * np.maximum(0.0, best_similarity(vectors, avoided) - threshold)
    return cost


def weighted_similarity(
    vectors: NDArray[np.float32],
    directions: NDArray[np.float32],
    weights: NDArray[np.float64],
    *,
    evenness: float = EVENNESS,
) -> NDArray[np.float64]:
    """Return (n,) in [-1, 1]: how near each vector is to the direction that speaks most for it.

    The largest over directions of `cosine * (weight / heaviest weight) ** evenness`: a small interest
    is heard, a large one is heard better, and an item is not asked to resemble all of them at once.

    Args:
        vectors: (n, d) float32, rows of length 1 or zero.
        directions: (k, d) float32, rows of length 1; k may be 0, then all scores are 0.
        weights: (k,) above 0.
        evenness: see `EVENNESS`.
    """
    if not len(directions):
        return np.zeros(len(vectors))
    scores: NDArray[np.float64] = _weighted(vectors, directions, weights, evenness).max(axis=1)
    return np.clip(scores, -1.0, 1.0)


def strongest_direction(
    vectors: NDArray[np.float32],
    directions: NDArray[np.float32],
    weights: NDArray[np.float64],
    *,
    evenness: float = EVENNESS,
) -> NDArray[np.intp]:
    """Return (n,) which direction gave `weighted_similarity` its value; k must not be 0."""
    strongest: NDArray[np.intp] = _weighted(vectors, directions, weights, evenness).argmax(axis=1)
    return strongest


def _weighted(
    vectors: NDArray[np.float32],
    directions: NDArray[np.float32],
    weights: NDArray[np.float64],
    evenness: float,
) -> NDArray[np.float64]:
    heard = (weights / weights.max()) ** evenness
    return np.asarray((vectors @ directions.T).astype(np.float64) * heard, np.float64)


def quotas(weights: NDArray[np.float64], total: int, *, least: int = 1) -> NDArray[np.intp]:
    """Share `total` places among interests: (k,) counts that sum to `total`.

    Everyone gets `least` while places last (heaviest first), the rest goes by weight with largest
    remainders (Hamilton's method), ties to the earlier one.

    Raises:
        ValueError: if a weight is negative or not finite, or `total` is negative.
    """
    if total < 0 or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("weights must be finite and not negative, and so must total")
    count = len(weights)
    shares = np.zeros(count, np.intp)
    if not count:
        return shares
    heaviest = np.argsort(-weights, kind="stable")
    floor = min(least, total // count)
    shares[:] = floor
    if floor < least:
        shares[heaviest[: total - floor * count]] += 1
        return shares
    left = total - floor * count
    even = np.full(count, 1 / count)
    exact = (weights / weights.sum() if weights.sum() > 0 else even) * left
    whole = np.floor(exact).astype(np.intp)
    shares += whole
    remainders = np.argsort(-(exact - whole), kind="stable")
    shares[remainders[: left - int(whole.sum())]] += 1
    return shares
