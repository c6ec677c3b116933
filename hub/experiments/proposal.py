"""A mix proposed from an event log: learned in one window, told in the next.

    T - days to T     teaches: half of its customers the weights, the other half how strongly to be held to the mix in force
    T to T + days     tells what that gains; nothing is chosen by it

Layers that this log cannot tell anything about (nobody declared anything in it, say) keep the weights that they have.
So that they weigh as much beside the others as before, the others are brought to the loudness that they had together.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np

from hub.catalogue.model import ContentKind
from hub.decisions.model import Scenario
from hub.errors import InvalidInput
from hub.experiments.bootstrap import Interval, interval
from hub.experiments.evaluation import Case, Task, audible, cases_of, mean_ndcg_of_mixes, without_variety
from hub.experiments.log import EventLog
from hub.experiments.run import Steps
from hub.experiments.tuning import halves, tune
from hub.experiments.world import DAY, Embedder, build_world
from hub.layers.base import Layer
from hub.layers.mix import LOUDEST

FEWEST = 20  # lists, for those who learn and for those who choose


@dataclass(frozen=True, slots=True)
class Proposal:
    """A whole mix, and mean nDCG@10 in the window that tells: `before` by the mix in force, `after` by this one.

    `kept` are the layers of which the log tells nothing; `lists` is how many lists tell.
    """

    weights: Mapping[str, float]
    kept: tuple[str, ...]
    lists: int
    before: float
    after: float
    gain: Interval

    @property
    def verdict(self) -> str:
        """What the interval says of the proposal, in a sentence."""
        if self.gain.mean == self.gain.low == self.gain.high == 0:
            return "No mix did better than the one in force."
        if self.gain.above_zero:
            return "It is better in the window that tells, and the interval is above zero."
        if self.gain.high < 0:
            return "It is worse in the window that tells: what was learned before it does not hold in it."
        return "The interval holds zero: this log does not show that it is better."


def propose(
    log: EventLog,
    at: datetime,
    *,
    days: int,
    embed: Embedder,
    scenario: Scenario,
    layers: Mapping[str, Layer],
    muted: Collection[str] = (),
    steps: Steps = lambda _name, _done, _total: None,
) -> Proposal:
    """Learn a mix for a scenario before `at`, and tell what it gains from then on.

    Args:
        log: the events.
        at: T, where the window that teaches ends and the one that tells begins.
        days: how long each is.
        embed: makes the vectors.
        scenario: its mix is the one in force.
        layers: the hub's.
        muted: layers that an operator silenced: nothing is learned of them.
        steps: told (what is being done, done, total).

    Raises:
        InvalidInput: NOTHING_TO_LEARN, where a window has too few customers.
    """
    taught = _cases(log, at - days * DAY, days, embed, scenario, layers, "earlier window", steps)
    told = _cases(log, at, days, embed, scenario, layers, "window that tells", steps)
    learning, choosing = halves(taught)
    for found, window in (
        (min(len(learning), len(choosing)), at - days * DAY),
        (len(told), at),
    ):
        if found < FEWEST:
            raise InvalidInput(
                f"too few customers to learn from: in the {days} days after {window:%Y-%m-%d} {found} lists, of those who "
                f"had bought before and bought again, where {FEWEST} are needed; try another --at, or more --days",
                path=("at",),
                code="NOTHING_TO_LEARN",
            )
    mix = scenario.mix.weights
    names = [name for name in audible(taught, tuple(layers)) if name not in muted]
    if not names:
        raise InvalidInput(
            "no layer tells anything apart in this log", path=("log",), code="NOTHING_TO_LEARN"
        )
    start = {name: mix.get(name, 0.0) for name in names}
    tuned = tune(learning, choosing, start, names, progress=partial(steps, "mixes tried"))
    weights = _as_loud(tuned.weights, start, taught)
    mixes = np.array([[one.get(name, 0.0) for name in names] for one in (start, weights)])
    values = mean_ndcg_of_mixes(told, mixes, names)
    kept = tuple(name for name in mix if name not in names)
    return Proposal(
        weights={
            name: weight
            for name in layers
            if (weight := mix[name] if name in kept else weights.get(name, 0.0)) > 0
        },
        kept=kept,
        lists=len(told),
        before=float(values[:, 0].mean()),
        after=float(values[:, 1].mean()),
        gain=interval(values[:, 1] - values[:, 0]),
    )


def _cases(
    log: EventLog,
    at: datetime,
    days: int,
    embed: Embedder,
    scenario: Scenario,
    layers: Mapping[str, Layer],
    window: str,
    steps: Steps,
) -> list[Case]:
    world = build_world(log, at, days=days, embed=embed, progress=partial(steps, f"{window}: customers"))
    measured = without_variety(scenario, [ContentKind.PRODUCT])
    return [
        case
        for task in Task
        for case in cases_of(
            world, task, measured, layers, progress=partial(steps, f"{window}: {task.value}")
        )
    ]


def _as_loud(
    weights: Mapping[str, float], before: Mapping[str, float], cases: Sequence[Case]
) -> dict[str, float]:
    """Return weights scaled so that they spread scores as far, on average, as those before them did."""
    loud, was = _loudness(weights, cases), _loudness(before, cases)
    largest = max(weights.values(), default=0.0)
    if not loud or not was:
        return dict(weights)
    factor = min(was / loud, LOUDEST / largest)
    return {name: round(weight * factor, 4) for name, weight in weights.items()}


def _loudness(weights: Mapping[str, float], cases: Sequence[Case]) -> float:
    spreads = [
        np.std(
            sum((weight * case.scores[name] for name, weight in weights.items()), np.zeros(len(case.rows)))
        )
        for case in cases
        if len(case.rows)
    ]
    return float(np.mean(spreads)) if spreads else 0.0
