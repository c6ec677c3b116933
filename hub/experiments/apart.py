"""What stands apart from the two tasks: the unknown, the new, and what feedback teaches."""

from collections.abc import Callable, Mapping

import numpy as np

from hub.consent.gate import admit
from hub.decisions.model import Scenario
from hub.decisions.shelf import Shelf
from hub.experiments.bootstrap import interval
from hub.experiments.evaluation import Case, Result, hub_result, judge, played
from hub.experiments.log import EventLog
from hub.experiments.metrics import coverage, novelty
from hub.experiments.model import AfterLooks, Line, NewcomersReport, ReplayReport, VisitorsReport
from hub.experiments.newcomers import newcomers
from hub.experiments.peers.popularity import Popularity
from hub.experiments.replay import replay
from hub.experiments.visitors import Met, meet, visits_of
from hub.experiments.world import Embed, World
from hub.layers.base import Layer
from hub.layers.mix import Mix

HUB = "hub"
STRANGERS = "never bought before"
EVERYBODY = "all buyers, met without their name"

Step = Callable[[int, int], None]


def line_of(world: World, result: Result, hub: Result | None) -> Line:
    """Return the means of a result, and by how much the hub is ahead of it."""
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


def cold_lines(
    world: World, scenario: Scenario, layers: Mapping[str, Layer], mix: Mapping[str, float]
) -> tuple[Line, ...]:
    """Return the hub and popularity for those who never bought before: nothing is known of them."""
    if not world.strangers:
        return ()
    view = admit(None, world.snapshot, channel="WEB", at=world.at).view
    rows, scores = played(view, world.shelf, scenario, Mix(dict.fromkeys(layers, 1.0)), layers)
    cases = [Case(user, rows, scores, truth, frozenset()) for user, truth in world.strangers.items()]
    hub = hub_result(HUB, cases, mix)
    lines = [line_of(world, hub, None)]
    for days in (7, 30):
        best = np.argsort(-world.purchases.sold(days), kind="stable")
        lines.append(line_of(world, judge(Popularity(days).name, [best] * len(cases), cases), hub))
    return tuple(lines)


def newcomers_report(
    world: World,
    shelf: Shelf,
    truths: Mapping[str, frozenset[int]],
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
) -> NewcomersReport | None:
    """Return how well what nobody had bought was matched; None where nothing new was sold."""
    if not truths:
        return None
    found = newcomers(world, shelf, truths, scenario, layers, mix)
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


def visitors_reports(
    world: World,
    log: EventLog,
    embed: Embed,
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    progress: Step,
) -> tuple[VisitorsReport, ...]:
    """Return how unknown visitors were served: those who never bought before, and all."""
    visits = visits_of(world, log)
    if not visits:
        return ()
    met = meet(world, visits, embed, scenario, layers, mix, progress)
    groups = ((STRANGERS, frozenset(world.strangers)), (EVERYBODY, frozenset(met.users)))
    return tuple(_group(name, met, met.of(users)) for name, users in groups if met.of(users).any())


def _group(name: str, met: Met, inside: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> VisitorsReport:
    by_days = {days: result.ndcg[inside] for days, result in met.popularity.items()}
    best = max(by_days, key=lambda days: float(by_days[days].mean()))
    after = tuple(
        AfterLooks(looks, float(result.ndcg[inside].mean()), interval(result.ndcg[inside] - by_days[best]))
        for looks, result in met.hub.items()
    )
    return VisitorsReport(name, int(inside.sum()), float(by_days[best].mean()), best, after)


def replay_report(
    world: World,
    embed: Embed,
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    progress: Step,
) -> ReplayReport | None:
    """Return what skips and repeats taught."""
    found = replay(world, embed, scenario, layers, mix, progress)
    if found is None:
        return None
    before, after = found.without.ndcg, found.with_feedback.ndcg
    return ReplayReport(
        customers=len(before),
        repeats=found.repeats,
        skips=found.skips,
        without=float(before.mean()),
        with_feedback=float(after.mean()),
        gain=interval(after - before),
    )
