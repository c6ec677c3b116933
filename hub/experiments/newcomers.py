"""New items by text alone: of what was first sold in the window, what would each customer have wanted?

The catalogue is what it was at T with everything out of sale, and the newcomers, of which only the text is
known. The peer is TF-IDF over the same titles; chance is what a list in any order reaches.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hub.decisions.model import Scenario
from hub.decisions.shelf import Shelf
from hub.experiments.evaluation import Case, Result, codes_of, judge, played
from hub.experiments.peers.tfidf import TfIdf
from hub.experiments.world import World
from hub.layers.base import Layer
from hub.layers.mix import Mix

PLACES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Newcomers:
    """How well newcomers were matched: `chance` is the expected recall of any order."""

    items: int
    hub: Result
    peer: Result
    chance: float
    solo: Mapping[str, Result]


def newcomers(
    world: World,
    shelf: Shelf,
    truths: Mapping[str, frozenset[int]],
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
) -> Newcomers:
    """Compare the hub with TF-IDF on what nobody had bought."""
    new = [
        row for row, content in enumerate(shelf.snapshot.contents) if content.key not in world.snapshot.rows
    ]
    everything = Mix(dict.fromkeys(layers, 1.0))
    cases = []
    for user, truth in truths.items():
        rows, scores = played(world.views[user], shelf, scenario, everything, layers)
        cases.append(Case(user, rows, scores, truth, frozenset()))
    titles = [shelf.snapshot.contents[row].title for row in new]
    scored = TfIdf().scores(world.purchases, codes_of(world, cases), titles)
    order = np.array(new, np.intp)[np.argsort(-scored, axis=1, kind="stable")]
    heard = [name for name in layers if any(case.scores[name].any() for case in cases)]
    return Newcomers(
        items=len(new),
        hub=judge("hub", [case.ranked(mix) for case in cases], cases, PLACES),
        peer=judge(TfIdf.name, list(order), cases, PLACES),
        chance=min(PLACES / max(len(new), 1), 1.0),
        solo={
            name: judge(name, [case.ranked({name: 1.0}) for case in cases], cases, PLACES) for name in heard
        },
    )
