"""One run of the evaluation: the hub, every layer of it, and its peers, side by side on the same customers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import numpy as np

from embeddings.encoder import Encoder
from hub.catalogue.model import ContentKind
from hub.decisions.decide import decide
from hub.decisions.model import Scenario
from hub.experiments.apart import (
    HUB,
    cold_lines,
    line_of,
    newcomers_report,
    replay_report,
    visitors_reports,
)
from hub.experiments.bootstrap import interval
from hub.experiments.evaluation import (
    Case,
    Result,
    Task,
    audible,
    cases_of,
    faults_of,
    hiding,
    hub_result,
    judge,
    mean_ndcg_of_mixes,
    peer_results,
    without_variety,
)
from hub.experiments.log import EventLog
from hub.experiments.model import LayerWorth, Report, TaskReport
from hub.experiments.peers import Peer, all_peers
from hub.experiments.shapley import coalitions, shapley
from hub.experiments.unmeasured import unmeasured
from hub.experiments.world import Embedder, World, build_world, with_newcomers
from hub.layers.base import Layer
from hub.layers.guard import unguarded
from hub.layers.mix import Mix

MOST_PLAYERS = 13  # 8,192 coalitions; each more doubles the time

Steps = Callable[[str, int, int], None]


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
    report = report_of(world, scenario, layers, mix, all_peers() if peers is None else peers, steps)
    measured = without_variety(scenario, [ContentKind.PRODUCT])
    shelf, truths = with_newcomers(world, log, embed)
    report = replace(
        report,
        newcomers=newcomers_report(world, shelf, truths, measured, layers, mix),
        visitors=visitors_reports(
            world, log, embed, measured, layers, mix, partial(steps, "visitors: decisions")
        ),
        replay=replay_report(world, embed, measured, layers, mix, partial(steps, "feedback: decisions")),
    )
    return replace(report, unmeasured=unmeasured(report, world, log, faults_of(world, measured, layers)))


def report_of(
    world: World,
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    peers: Sequence[Peer],
    steps: Steps,
) -> Report:
    """Evaluate the tasks and the cold in a world that is built already; arguments as for `evaluate`."""
    measured = without_variety(scenario, [ContentKind.PRODUCT])
    tried: dict[Task, list[Case]] = {}
    for task in Task:
        deciding = partial(steps, f"{task.value}: decisions")
        if cases := cases_of(world, task, measured, layers, progress=deciding):
            tried[task] = cases
    judged: dict[Task, list[Result]] = {task: [] for task in tried}
    for number, peer in enumerate(peers if tried else ()):
        steps("peers", number, len(peers))
        for task, result in peer_results(peer, world, tried).items():
            judged[task].append(result)
    steps("peers", len(peers), len(peers))
    tasks = [
        _task_report(world, task, cases, scenario, layers, mix, judged[task], steps)
        for task, cases in tried.items()
    ]
    return Report(
        at=world.at,
        days=world.days,
        scenario=scenario.key,
        mix=dict(mix),
        contents=len(world.snapshot),
        history=len(world.purchases.ages),
        tasks=tuple(tasks),
        cold=cold_lines(world, measured, layers, mix),
        cold_customers=len(world.strangers),
        newcomers=None,
    )


def _task_report(
    world: World,
    task: Task,
    cases: Sequence[Case],
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    judged: Sequence[Result],
    steps: Steps,
) -> TaskReport:
    hub = hub_result(HUB, cases, mix)
    page = judge("hub, spread as on the page", _as_shown(world, task, cases, scenario, layers, mix), cases)
    lines = [line_of(world, hub, None), *(line_of(world, result, hub) for result in (page, *judged))]
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
    heard = Mix(
        {name: weight for name, weight in mix.items() if weight > 0},
        scenario.mix.diversity,
        scenario.mix.stretch,
    )
    lists = []
    for case in cases:
        view = world.views[case.user]
        if task is Task.NEW:
            view = hiding(view, world, case.had)
        contents = decide(view, world.shelf, shown, heard, unguarded(layers)).ranking.contents[:10]
        lists.append(np.array([world.snapshot.rows[content.key] for content in contents], np.intp))
    return lists


def _worths(
    cases: Sequence[Case],
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    progress: Callable[[int, int], None],
) -> tuple[tuple[LayerWorth, ...], float]:
    """Return the worth of every layer that the mix plays and that tells anything apart here.

    Of more than `MOST_PLAYERS` the quietest have no share of their own: they play along in every coalition.
    """
    heard = audible(cases, [name for name in layers if mix.get(name, 0.0) > 0])
    if not heard:
        return (), 0.0
    loudest = sorted(heard, key=lambda name: -_spread(cases, name, mix[name]))[:MOST_PLAYERS]
    players = [name for name in heard if name in loudest]
    everybody, along = frozenset(heard), frozenset(heard) - frozenset(players)
    groups = [group | along for group in coalitions(players)]
    alone = [frozenset((name,)) for name in heard]
    without = [everybody - {name} for name in heard]
    wanted = list(dict.fromkeys((*groups, *alone, *without)))
    masks = np.array([[name in group for name in heard] for group in wanted], np.float64)
    weights = np.array([mix[name] for name in heard])
    per_case = mean_ndcg_of_mixes(cases, masks * weights, heard, progress=progress)
    place = {group: column for column, group in enumerate(wanted)}
    values = {group: float(per_case[:, column].mean()) for group, column in place.items()}
    shares = shapley(players, {group - along: values[group] for group in groups})
    worths = tuple(
        LayerWorth(
            name=name,
            weight=mix[name],
            solo=values[frozenset((name,))],
            without=values[everybody - {name}],
            costs=interval(per_case[:, place[everybody]] - per_case[:, place[everybody - {name}]]),
            share=shares.get(name),
        )
        for name in heard
    )
    return worths, values[everybody] - values[along]


def _spread(cases: Sequence[Case], name: str, weight: float) -> float:
    """Return how far apart a layer moves candidates by its weight, on average."""
    return weight * float(np.mean([np.std(case.scores[name]) for case in cases if len(case.rows)]))
