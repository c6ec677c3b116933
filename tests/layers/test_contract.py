"""What every layer keeps: pure, vectorised, within [-1, 1], and nothing to say where nothing is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.decisions.decide import rank
from hub.decisions.model import Mix
from hub.decisions.moment import detect
from hub.layers.base import Candidates, Contribution
from tests.builders import NOW, make_content, make_snapshot, make_stranger
from tests.decisions.strategies import LAYERS, situations

every_layer = st.sampled_from(list(LAYERS.values()))


def everything(snapshot):
    return Candidates(snapshot, np.arange(len(snapshot)))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situations, every_layer)
def test_scores_are_one_finite_number_in_range_for_each_candidate(situation, layer):
    snapshot, view, _ = situation
    candidates = everything(snapshot)
    moment = detect(view, view.at)
    first, second = (layer.score(view, candidates, moment) for _ in range(2))
    assert first.scores.shape == (len(snapshot),)
    assert first.scores.dtype == np.float64
    assert np.isfinite(first.scores).all()
    assert (np.abs(first.scores) <= 1).all()
    assert first.scores.tobytes() == second.scores.tobytes()
    for position in range(len(snapshot)):
        assert first.sentence(position) == second.sentence(position)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situations, every_layer)
def test_a_candidates_score_does_not_depend_on_the_others(situation, layer):
    snapshot, view, _ = situation
    if not len(snapshot):
        return
    moment = detect(view, view.at)
    together = layer.score(view, everything(snapshot), moment).scores
    half = Candidates(snapshot, np.arange(0, len(snapshot), 2))
    assert layer.score(view, half, moment).scores == pytest.approx(together[::2], abs=1e-6)


@pytest.mark.parametrize("name", ["interests", "session", "declared", "needs"])
def test_personal_layers_are_silent_before_a_stranger(name):
    snapshot = make_snapshot([make_content("vase"), make_content("lamp")])
    view = make_stranger()
    found = LAYERS[name].score(view, everything(snapshot), detect(view, NOW))
    assert not found.scores.any()
    assert [found.sentence(position) for position in range(2)] == ["", ""]


class Wild:
    """A third party's layer that does not keep the contract."""

    name, version, title, description = "wild", 1, "Wild", "Answers anything."

    def __init__(self, *scores):
        self.scores = np.array(scores)

    def score(self, view, candidates, moment):
        return Contribution(self.scores)


class TestALayerThatBreaksTheContract:
    SNAPSHOT = make_snapshot([make_content("a"), make_content("b"), make_content("c")])

    def ranking(self, layer):
        view = make_stranger()
        moment = detect(view, NOW)
        return rank(view, everything(self.SNAPSHOT), moment, Mix({"wild": 1.0}), {"wild": layer}, variety=0)

    def test_is_held_to_its_range(self):
        found = self.ranking(Wild(5.0, float("nan"), -np.inf))
        scores = {item.content.key: item.score for item in found.first(3)}
        assert scores == {"a": 1.0, "b": 0.0, "c": -1.0}

    def test_is_named_when_it_forgets_a_candidate(self):
        with pytest.raises(ValueError, match="layer 'wild' returned scores of shape"):
            self.ranking(Wild(1.0, 2.0))


def test_novelty_is_nothing_before_the_day_of_publication():
    snapshot = make_snapshot([make_content("spring", published_at=NOW)])
    view = make_stranger()
    earlier = replace(view, at=NOW.replace(day=1))
    assert LAYERS["base"].score(view, everything(snapshot), detect(view, NOW)).scores[0] == 0.25
    assert LAYERS["base"].score(earlier, everything(snapshot), detect(view, earlier.at)).scores[0] == 0
