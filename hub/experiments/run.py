"""One run of the evaluation: the hub, every layer of it, and its peers, side by side on the same customers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from embeddings.encoder import Encoder
from hub.catalogue.model import ContentKind
from hub.consent.gate import admit
from hub.decisions.decide import decide
from hub.decisions.model import Scenario
from hub.experiments.bootstrap import Interval, interval
from hub.experiments.evaluation import (
    Case,
    Result,
    Task,
    audible,
    cases_of,
    hiding,
    hub_result,
    judge,
    mean_ndcg_of_mixes,
    peer_result,
    played,
    without_variety,
)
from hub.experiments.log import EventLog
from hub.experiments.metrics import coverage, novelty
from hub.experiments.newcomers import Newcomers, newcomers
from hub.experiments.peers import Peer, all_peers
from hub.experiments.peers.popularity import Popularity
from hub.experiments.shapley import coalitions, shapley
from hub.experiments.world import Embedder, World, build_world, with_newcomers
from hub.layers.base import Layer
from hub.layers.mix import Mix

HUB = "hub"
MOST_PLAYERS = 12  # 4,096 coalitions

Steps = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Line:
    """One recommender's means; `ahead` is the hub's nDCG less its own, paired by customer."""

    name: str
    ndcg: float
    recall: float
    map: float
    coverage: float
    novelty: float
    repeats: float
    ahead: Interval | None = None


@dataclass(frozen=True, slots=True)
class LayerWorth:
    """What one layer is worth: nDCG alone and without it, how much muting it costs, its Shapley share."""

    name: str
    weight: float
    solo: float
    without: float
    costs: Interval
    share: float


@dataclass(frozen=True, slots=True)
class TaskReport:
    """One task: the hub first, then as its own page shows it, then its peers; and its layers."""

    task: str
    customers: int
    lines: tuple[Line, ...]
    layers: tuple[LayerWorth, ...]
    together: float  # what the shares sum to


@dataclass(frozen=True, slots=True)
class NewcomersReport:
    """New items by text alone: recall@5."""

    items: int
    customers: int
    hub: float
    tf_idf: float
    chance: float
    ahead: Interval
    solo: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a run measured."""

    at: datetime
    days: int
    scenario: str
    mix: Mapping[str, float]
    contents: int
    history: int
    tasks: tuple[TaskReport, ...]
    cold: tuple[Line, ...]
    cold_customers: int
    newcomers: NewcomersReport | None


def evaluate(
    log: EventLog,
    at: datetime,
    *,
    days: int,
    encoder: Encoder,
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    peers: Sequence[Peer] | None = None,
    steps: Steps = lambda _name, _done, _total: None,
) -> Report:
    """Evaluate a mix of a scenario at an instant.

    Args:
        log: the events; what happened before `at` is known, what happens within `days` after it is the truth.
        at: T.
        days: the window of truth.
        encoder: makes the vectors.
        scenario: whose brands and variety count; of its slots, products are measured.
        layers: the hub's.
        mix: which weights to play.
        peers: what to compare with; None for `all_peers`.
        steps: told (what is being done, done, total).

    Raises:
        InvalidInput: the log cannot be used for this.
    """
    embed = Embedder(encoder, lambda done, total: steps("texts embedded", done, total))
    world = build_world(
        log, at, days=days, embed=embed, progress=lambda d, t: steps("customers folded", d, t)
    )
    report, shelf, truths = None, *with_newcomers(world, log, embed)
    measured = without_variety(scenario, [ContentKind.PRODUCT])
    if truths:
        report = _newcomers_report(newcomers(world, shelf, truths, measured, layers, mix))
    return report_of(world, scenario, layers, mix, all_peers() if peers is None else peers, report, steps)


def report_of(
    world: World,
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    peers: Sequence[Peer],
    newcomers_report: NewcomersReport | None,
    steps: Steps,
) -> Report:
    """Evaluate a world that is built already; arguments as for `evaluate`."""
    measured = without_variety(scenario, [ContentKind.PRODUCT])
    tasks = []
    for task in Task:

        def deciding(done: int, total: int, *, name: str = f"{task.value}: decisions") -> None:
            steps(name, done, total)

        cases = cases_of(world, task, measured, layers, progress=deciding)
        if cases:
            tasks.append(_task_report(world, task, cases, scenario, layers, mix, peers, steps))
    return Report(
        at=world.at,
        days=world.days,
        scenario=scenario.key,
        mix=dict(mix),
        contents=len(world.snapshot),
        history=len(world.purchases.ages),
        tasks=tuple(tasks),
        cold=_cold(world, measured, layers, mix),
        cold_customers=len(world.strangers),
        newcomers=newcomers_report,
    )


def _task_report(
    world: World,
    task: Task,
    cases: Sequence[Case],
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    peers: Sequence[Peer],
    steps: Steps,
) -> TaskReport:
    hub = hub_result(HUB, cases, mix)
    page = judge("hub, spread as on the page", _as_shown(world, task, cases, scenario, layers, mix), cases)
    results = [page]
    for number, peer in enumerate(peers):
        steps(f"{task.value}: peers", number, len(peers))
        results.append(peer_result(peer, world, task, cases))
    steps(f"{task.value}: peers", len(peers), len(peers))
    lines = [_line(world, hub, None), *(_line(world, result, hub) for result in results)]
    worths, together = _worths(
        cases, layers, mix, lambda done, total: steps(f"{task.value}: coalitions of layers", done, total)
    )
    return TaskReport(task.value, len(cases), tuple(lines), worths, together)


def _as_shown(
    world: World,
    task: Task,
    cases: Sequence[Case],
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Return what `decide` shows by this mix with the scenario's own variety: nothing is put together again here."""
    wanted = without_variety(scenario, [ContentKind.PRODUCT])
    shown = Scenario(
        key=scenario.key, title=scenario.title, mix=scenario.mix, slots=wanted.slots, goal=scenario.goal,
        brands=scenario.brands, variety=scenario.variety,
    )  # fmt: skip
    heard = Mix({name: weight for name, weight in mix.items() if weight > 0})
    lists = []
    for case in cases:
        view = world.views[case.user]
        if task is Task.NEW:
            view = hiding(view, world, case.had)
        contents = decide(view, world.shelf, shown, heard, layers).ranking.contents[:10]
        lists.append(np.array([world.snapshot.rows[content.key] for content in contents], np.intp))
    return lists


def _line(world: World, result: Result, hub: Result | None) -> Line:
    means = {name: float(values.mean()) for name, values in result.per_list.items()}
    return Line(
        name=result.name,
        ndcg=means["ndcg"],
        recall=means["recall"],
        map=means["map"],
        coverage=coverage(result.lists, len(world.snapshot)),
        novelty=novelty(result.lists, world.purchases.buyers(), world.purchases.customers),
        repeats=means["repeats"],
        ahead=None if hub is None else interval(hub.ndcg - result.ndcg),
    )


def _worths(
    cases: Sequence[Case],
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    progress: Callable[[int, int], None],
) -> tuple[tuple[LayerWorth, ...], float]:
    """Return the worth of every layer that the mix plays and that tells anything apart here."""
    heard = audible(cases, [name for name in layers if mix.get(name, 0.0) > 0])[:MOST_PLAYERS]
    groups = coalitions(heard)
    weights = np.array([mix[name] for name in heard])
    masks = np.array([[name in group for name in heard] for group in groups], np.float64).reshape(
        len(groups), len(heard)
    )
    if not heard:
        return (), 0.0
    per_case = mean_ndcg_of_mixes(cases, masks * weights, heard, progress=progress)
    place = {group: column for column, group in enumerate(groups)}
    values = {group: float(per_case[:, column].mean()) for group, column in place.items()}
    shares = shapley(heard, values)
    everybody = frozenset(heard)
    worths = tuple(
        LayerWorth(
            name=name,
            weight=mix[name],
            solo=values[frozenset((name,))],
            without=values[everybody - {name}],
            costs=interval(per_case[:, place[everybody]] - per_case[:, place[everybody - {name}]]),
            share=shares[name],
        )
        for name in heard
    )
    return worths, values[everybody] - values[frozenset()]


def _cold(
    world: World, scenario: Scenario, layers: Mapping[str, Layer], mix: Mapping[str, float]
) -> tuple[Line, ...]:
    """Return the hub and popularity for those who never bought before: nothing is known of them."""
    if not world.strangers:
        return ()
    view = admit(None, world.snapshot, channel="WEB", at=world.at).view
    rows, scores = played(view, world.shelf, scenario, Mix(dict.fromkeys(layers, 1.0)), layers)
    cases = [Case(user, rows, scores, truth, frozenset()) for user, truth in world.strangers.items()]
    hub = hub_result(HUB, cases, mix)
    lines = [_line(world, hub, None)]
    for days in (7, 30):
        best = np.argsort(-world.purchases.sold(days), kind="stable")
        lines.append(_line(world, judge(Popularity(days).name, [best] * len(cases), cases), hub))
    return tuple(lines)


def _newcomers_report(found: Newcomers) -> NewcomersReport:
    hub, peer = found.hub.per_list["recall"], found.peer.per_list["recall"]
    return NewcomersReport(
        items=found.items,
        customers=len(hub),
        hub=float(hub.mean()),
        tf_idf=float(peer.mean()),
        chance=found.chance,
        ahead=interval(hub - peer),
        solo={name: float(result.per_list["recall"].mean()) for name, result in found.solo.items()},
    )
