"""What each layer is worth: its exact Shapley share of a quality that every coalition of layers has.

A share is the mean of what a layer adds over all orders in which layers can join (Shapley, 1953). The
shares sum to the quality of all layers together less that of none.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import factorial


def coalitions(players: Sequence[str]) -> list[frozenset[str]]:
    """Return every subset, the smaller first; 2 ** len(players) of them."""
    return [frozenset(chosen) for size in range(len(players) + 1) for chosen in combinations(players, size)]


def shapley(players: Sequence[str], values: Mapping[frozenset[str], float]) -> dict[str, float]:
    """Return the share of each player.

    Args:
        players: all of them.
        values: what each coalition is worth, see `coalitions`.

    Raises:
        KeyError: a coalition has no value.
    """
    count = len(players)
    shares = dict.fromkeys(players, 0.0)
    for coalition in coalitions(players):
        size = len(coalition)
        for player in players:
            if player not in coalition:
                weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                shares[player] += weight * (values[coalition | {player}] - values[coalition])
    return shares
