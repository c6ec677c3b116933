"""Evaluation: the hub's decisions and its peers' lists for the same customers at the same instant.

Every list of the hub comes out of `hub.decisions.decide`. Candidates do not depend on the mix (docs/decisions/0050)
and scores add up, so one decision a customer with every layer in it tells what every mix would show: the
very functions of `hub.decisions.ranking` add and order it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import ContentKind
from hub.decisions.decide import decide
from hub.decisions.model import Channel, Scenario, SlotSpec
from hub.decisions.ranking import ScoredRanking, ranked, total
from hub.decisions.shelf import Shelf
from hub.experiments.metrics import Values, average_precision, ndcg, recall
from hub.experiments.peers.base import Peer
from hub.experiments.world import World
from hub.layers.base import Layer
from hub.layers.guard import LayerFault, unguarded
from hub.layers.mix import Mix
from hub.profiles.view import ProfileView

AT = 10  # places that count
_AT_ONCE = 4_096  # mixes whose scores are held in memory
Step = Callable[[int, int], None]
Lists = NDArray[np.intp]


def _quiet(_done: int, _total: int) -> None:
    return


class Task(StrEnum):
    """ALL: everything that was bought counts. NEW: what was bought before is suppressed and counts not."""

    ALL = "ALL"
    NEW = "NEW"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One customer's decision: candidates' `rows` (c,) and `scores` by layer (c,), and what they bought."""

    user: str
    rows: NDArray[np.intp]
    scores: Mapping[str, NDArray[np.float64]]
    truth: frozenset[int]
    had: frozenset[int]

    def ranked(self, mix: Mapping[str, float]) -> NDArray[np.intp]:
        """Return the candidates' rows in the order in which a mix puts them."""
        parts = [weight * self.scores[name] for name, weight in mix.items() if weight > 0]
        return np.asarray(self.rows[ranked(total(parts, len(self.rows)))], np.intp)


def without_variety(scenario: Scenario, kinds: Sequence[ContentKind]) -> Scenario:
    """Return a scenario that shows one list of some kinds, by score alone."""
    slot = SlotSpec("measured", "Measured", AT, tuple(kinds))
    return replace(scenario, slots={Channel.WEB: (slot,)}, variety=0.0)


def cases_of(
    world: World,
    task: Task,
    scenario: Scenario,
    layers: Mapping[str, Layer],
    *,
    progress: Step = _quiet,
) -> list[Case]:
    """Decide for every customer of the window, every layer playing at 1.

    For NEW the customer is taken to have hidden what they had: the gate then removes it.
    """
    everything = Mix(dict.fromkeys(layers, 1.0))
    cases: list[Case] = []
    for number, (user, truth) in enumerate(world.truths.items()):
        progress(number, len(world.truths))
        had, view = world.had[user], world.views[user]
        wanted = truth if task is Task.ALL else truth - had
        if wanted:
            if task is Task.NEW:
                view = hiding(view, world, had)
            rows, scores = played(view, world.shelf, scenario, everything, layers)
            cases.append(Case(user, rows, scores, frozenset(wanted), had))
    progress(len(world.truths), len(world.truths))
    return cases


def hiding(view: ProfileView, world: World, rows: frozenset[int]) -> ProfileView:
    """Return the view of a customer who hid some contents."""
    contents = world.snapshot.contents
    return replace(view, hidden=view.hidden | {contents[row].key for row in rows})


def played(
    view: ProfileView, shelf: Shelf, scenario: Scenario, mix: Mix, layers: Mapping[str, Layer]
) -> tuple[NDArray[np.intp], dict[str, NDArray[np.float64]]]:
    """Return candidates and the scores of every layer in one decision; a layer that fails scores nothing."""
    ranking = decide(view, shelf, scenario, mix, unguarded(layers)).ranking
    assert isinstance(ranking, ScoredRanking)
    silent = {fault.layer: np.zeros(len(ranking.rows)) for fault in ranking.faults}
    return ranking.rows, {**silent, **ranking.scores_by_layer()}


def faults_of(world: World, scenario: Scenario, layers: Mapping[str, Layer]) -> tuple[LayerFault, ...]:
    """Return how layers fail in a decision for the first customer, if they do."""
    for view in world.views.values():
        ranking = decide(
            view, world.shelf, scenario, Mix(dict.fromkeys(layers, 1.0)), unguarded(layers)
        ).ranking
        assert isinstance(ranking, ScoredRanking)
        return ranking.faults
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What one recommender came to: its `lists` (customers, AT) of rows, -1 where it had no more; metrics a list."""

    name: str
    lists: Lists
    per_list: Mapping[str, Values]

    @property
    def ndcg(self) -> Values:
        return self.per_list["ndcg"]


def judge(name: str, lists: Sequence[NDArray[np.intp]], cases: Sequence[Case], k: int = AT) -> Result:
    """Compare lists with what was bought, list by list."""
    table = np.full((len(lists), k), -1, np.intp)
    hits = np.zeros((len(lists), k), np.bool_)
    repeats = np.zeros(len(lists))
    for row, (shown, case) in enumerate(zip(lists, cases, strict=True)):
        first = shown[:k]
        table[row, : len(first)] = first
        hits[row, : len(first)] = [int(item) in case.truth for item in first]
        repeats[row] = sum(int(item) in case.had for item in first) / max(len(first), 1)
    truths = np.array([len(case.truth) for case in cases], np.int64)
    return Result(
        name,
        table,
        {
            "ndcg": ndcg(hits, truths),
            "recall": recall(hits, truths),
            "map": average_precision(hits, truths),
            "repeats": repeats,
        },
    )


def hub_result(name: str, cases: Sequence[Case], mix: Mapping[str, float]) -> Result:
    """Return what the hub shows by a mix."""
    return judge(name, [case.ranked(mix) for case in cases], cases)


def peer_results(peer: Peer, world: World, tried: Mapping[Task, Sequence[Case]]) -> dict[Task, Result]:
    """Train a peer once on what was bought before, and score it in every task; for NEW it may not show what was bought."""
    users = sorted({case.user for cases in tried.values() for case in cases})
    place = {user: row for row, user in enumerate(users)}
    codes = np.fromiter((world.users[user] for user in users), np.int64, len(users))
    scores = np.asarray(peer.scores(world.purchases, codes), np.float32)
    found = {}
    for task, cases in tried.items():
        lists = []
        for case in cases:
            row = scores[place[case.user]].copy()
            if task is Task.NEW:
                row[list(case.had)] = -np.inf
            best = np.argpartition(-row, AT)[:AT] if len(row) > AT else np.arange(len(row))
            lists.append(best[np.argsort(-row[best], kind="stable")])
        found[task] = judge(peer.name, lists, cases)
    return found


def codes_of(world: World, cases: Sequence[Case]) -> NDArray[np.int64]:
    """Return the customers' codes in `world.purchases`."""
    return np.fromiter((world.users[case.user] for case in cases), np.int64, len(cases))


def audible(cases: Sequence[Case], layers: Sequence[str]) -> list[str]:
    """Return the layers that tell any two candidates of anybody apart; the others change no list."""
    return [name for name in layers if any(np.ptp(c.scores[name]) > 0 for c in cases if len(c.rows))]


def mean_ndcg_of_mixes(
    cases: Sequence[Case],
    mixes: NDArray[np.float64],
    names: Sequence[str],
    *,
    k: int = AT,
    progress: Step = _quiet,
) -> NDArray[np.float64]:
    """Return (customers, m) nDCG@k of many mixes (m, layers) at once; ties as `ranked` breaks them."""
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideals = np.cumsum(discounts)
    values = np.zeros((len(cases), len(mixes)))
    for number, case in enumerate(cases):
        if len(case.rows):
            table = np.stack([case.scores[name] for name in names])
            bought = np.isin(case.rows, list(case.truth))
            for begin in range(0, len(mixes), _AT_ONCE):
                scores = mixes[begin : begin + _AT_ONCE] @ table
                best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
                gains = bought[best] @ discounts[: best.shape[1]]
                values[number, begin : begin + _AT_ONCE] = gains / ideals[min(len(case.truth), k) - 1]
        progress(number + 1, len(cases))
    return values
