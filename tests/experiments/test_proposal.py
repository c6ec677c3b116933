"""A mix is learned before T and told from T on; what the log tells nothing of keeps its weight and its share."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from hub.catalogue.model import ContentKind
from hub.decisions.scenario_files import shipped_scenarios
from hub.errors import InvalidInput
from hub.experiments.bootstrap import Interval
from hub.experiments.evaluation import Task, cases_of, without_variety
from hub.experiments.log import EventLog
from hub.experiments.proposal import Proposal, propose
from hub.experiments.world import build_world
from hub.layers.mix import Mix
from hub.layers.registry import load_layers
from tests.experiments.conftest import GOODS, T, make_log, order

LAYERS = load_layers([])
WRONG = Mix({"base": 1.0, "habit": 0.01, "session": 1.0, "declared": 0.5}, diversity=0.6)
HOME = replace(shipped_scenarios()["home"], mix=WRONG)
FAVOURITES = ("mug-red", "mug-blue", "mug-green", "jam-fig", "jam-plum", "jam-pear")


def weekly(customers=60, weeks=20):
    """Return a log in which everybody buys their favourite every week, and now and then something else."""
    random = np.random.default_rng(5)
    events = []
    for number in range(customers):
        own = FAVOURITES[number % len(FAVOURITES)]
        for week in range(-weeks, 4):
            other = FAVOURITES[int(random.integers(len(FAVOURITES)))]
            events.append(order(f"w{number}", 7 * week + number % 7, own, *([other] if other != own else [])))
    events.sort(key=lambda event: (event.at, event.id))
    return EventLog(tuple(events), make_log().contents_before)


LOG = weekly()


@pytest.fixture(scope="module")
def proposal(embed):
    return propose(LOG, T, days=14, embed=embed, scenario=HOME, layers=LAYERS)


class TestAProposal:
    def test_is_better_in_the_window_after_the_one_that_taught(self, proposal):
        assert proposal.gain.above_zero
        assert proposal.gain.mean == pytest.approx(proposal.after - proposal.before)
        assert proposal.weights["habit"] > 0.1 * proposal.weights.get(
            "base", 0.0
        )  # and not a hundredth of it
        assert proposal.verdict.startswith("It is better")

    def test_leaves_alone_what_the_log_tells_nothing_of(self, proposal):
        assert set(proposal.kept) == {"session", "declared"}
        assert (proposal.weights["session"], proposal.weights["declared"]) == (1.0, 0.5)

    def test_does_not_look_at_the_window_that_tells(self, embed, proposal):
        late = [order(f"w{n}", 3, "jam-fig", number=9) for n in range(60)]
        more = EventLog(
            tuple(sorted((*LOG.events, *late), key=lambda event: (event.at, event.id))), LOG.contents_before
        )
        other = propose(more, T, days=14, embed=embed, scenario=HOME, layers=LAYERS)
        assert other.weights == proposal.weights
        assert other.gain != proposal.gain

    def test_is_as_loud_as_the_mix_before_it(self, embed):
        """Twice as loud a mix in force gives the same proposal twice as loud, beside the layers that are kept."""
        loud = replace(HOME, mix=Mix({**WRONG.weights, "base": 2.0, "habit": 0.02}))
        quiet, doubled = (
            propose(LOG, T, days=14, embed=embed, scenario=scenario, layers=LAYERS)
            for scenario in (HOME, loud)
        )
        taught = build_world(LOG, T - timedelta(days=14), days=14, embed=embed)
        cases = cases_of(taught, Task.ALL, without_variety(HOME, [ContentKind.PRODUCT]), LAYERS)
        spread = [
            np.mean([np.std(sum(w * case.scores[name] for name, w in one.weights.items())) for case in cases])
            for one in (quiet, doubled)
        ]
        assert spread[1] == pytest.approx(2 * spread[0], rel=0.1)
        assert doubled.weights["session"] == 1.0

    def test_says_nothing_of_what_an_operator_muted(self, embed):
        muted = propose(LOG, T, days=14, embed=embed, scenario=HOME, layers=LAYERS, muted={"habit"})
        assert "habit" in muted.kept
        assert muted.weights["habit"] == 0.01

    @pytest.mark.parametrize("at", [T - timedelta(days=400), T + timedelta(days=90)])
    def test_is_refused_where_nobody_is_there_to_learn_from(self, embed, at):
        with pytest.raises(InvalidInput, match="too few customers") as error:
            propose(LOG, at, days=14, embed=embed, scenario=HOME, layers=LAYERS)
        assert error.value.kind == "NOTHING_TO_LEARN"

    def test_of_a_handful_of_customers_is_refused(self, embed):
        with pytest.raises(InvalidInput, match="too few customers"):
            propose(make_log(), T, days=30, embed=embed, scenario=HOME, layers=LAYERS)


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        (Interval(0.0, 0.0, 0.0), "No mix did better"),
        (Interval(0.02, 0.01, 0.03), "It is better"),
        (Interval(-0.02, -0.03, -0.01), "It is worse"),
        (Interval(0.02, -0.01, 0.05), "The interval holds zero"),
    ],
)
def test_a_verdict_says_no_more_than_the_interval(gain, verdict):
    assert Proposal({}, (), 1, 0.0, gain.mean, gain).verdict.startswith(verdict)


def test_the_favourites_are_of_the_small_shop():
    assert set(FAVOURITES) < set(GOODS)
