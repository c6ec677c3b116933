"""What every layer keeps: pure, vectorised, within [-1, 1], and nothing to say where nothing is known."""

import re
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.decisions.decide import decide, rank
from hub.decisions.model import Mix
from hub.decisions.moment import detect
from hub.decisions.shelf import arrange
from hub.layers.base import Candidates, Contribution
from hub.layers.guard import GuardedLayer, LayerFault, play
from tests.builders import NOW, make_content, make_scenario, make_snapshot, make_stranger
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


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"base", "moment"}))
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


class Raises(Wild):
    def score(self, view, candidates, moment):
        raise RuntimeError("somebody's name")


class Sleeps(Wild):
    naps = 0.4

    def score(self, view, candidates, moment):
        time.sleep(self.naps)
        return Contribution(self.scores)


class Mumbles(Wild):
    def score(self, view, candidates, moment):
        return Contribution(self.scores, lambda position: 1 / 0)


class Leaves(Wild):
    def score(self, view, candidates, moment):
        raise SystemExit


class Ponders(Wild):
    """Scores at once, and thinks long about its reasons."""

    naps = 0.4

    def score(self, view, candidates, moment):
        def sentence(position):
            time.sleep(self.naps)
            return f"thought about {position}"

        return Contribution(self.scores, sentence)


class Scribbles(Wild):
    def score(self, view, candidates, moment):
        candidates.snapshot.popularity[:] = 0.0
        return Contribution(self.scores)


class TestALayerThatBreaksTheContract:
    SNAPSHOT = make_snapshot([make_content("a"), make_content("b"), make_content("c")], popularity={"c": 0.9})

    def ranking(self, layer, **others):
        view = make_stranger()
        weights = {**dict.fromkeys(others, 1.0), "wild": 1.0}
        layers = {**others, "wild": layer}
        return rank(view, everything(self.SNAPSHOT), detect(view, NOW), Mix(weights), layers, variety=0)

    def test_is_held_to_its_range(self):
        found = self.ranking(Wild(5.0, 0.25, -7.0))
        scores = {item.content.key: item.score for item in found.first(3)}
        assert scores == {"a": 1.0, "b": 0.25, "c": -1.0}

    @pytest.mark.parametrize(
        ("layer", "reason"),
        [
            (Raises(), "raised RuntimeError"),
            (Wild(1.0, float("nan"), 0.0), "returned scores that are no numbers"),
            (Wild(1.0, float("inf"), 0.0), "returned scores that are no numbers"),
            (Wild(1.0, 2.0), r"returned scores of shape \(2,\) for 3 candidates"),
            (Wild("a", "b", "c"), "raised ValueError"),
            (GuardedLayer(Sleeps(1.0, 1.0, 1.0), limit=0.02), "took longer than 20 ms"),
            (GuardedLayer(Leaves()), "raised SystemExit"),
            (GuardedLayer(Scribbles(1.0, 1.0, 1.0)), "raised ValueError"),
        ],
    )
    def test_is_left_out_and_the_others_play_as_if_it_were_not_there(self, layer, reason):
        base = LAYERS["base"]
        found = self.ranking(layer, base=base)
        assert re.fullmatch(reason, found.faults[0].reason)
        assert list(found.mix.weights) == ["base"]
        without = rank(
            make_stranger(),
            everything(self.SNAPSHOT),
            detect(make_stranger(), NOW),
            Mix({"base": 1.0}),
            {"base": base},
            variety=0,
        )
        assert found.first(3) == without.first(3)

    def test_leaves_the_base_where_nothing_else_plays(self):
        found = self.ranking(Raises())
        assert list(found.mix.weights) == ["base"]
        assert found.contents[0].key == "c"

    def test_tells_nothing_of_what_it_was_about(self):
        view = make_stranger()
        decision = decide(
            view,
            arrange(self.SNAPSHOT),
            make_scenario(),
            Mix({"base": 1.0, "wild": 1.0}),
            {"base": LAYERS["base"], "wild": Raises()},
        )
        assert decision.degraded.code == "LAYER_FAILED"
        assert "wild" in decision.degraded.message
        assert "somebody" not in decision.degraded.message
        assert decision.mix == Mix({"base": 1.0})

    def test_that_cannot_speak_leaves_the_word_to_others(self):
        found = self.ranking(Mumbles(1.0, 0.5, 0.2), base=LAYERS["base"])
        assert found.faults == ()
        assert next(i for i in found.first(3) if i.content.key == "c").why.sentence == "Popular this month"


class TestALayerFromOutside:
    SNAPSHOT = TestALayerThatBreaksTheContract.SNAPSHOT

    def ask(self, layer):
        view = make_stranger()
        return play(layer, view, everything(self.SNAPSHOT), detect(view, NOW))

    def test_answers_as_it_would_by_itself(self):
        assert self.ask(GuardedLayer(Wild(0.1, 0.2, 0.3))).scores.tolist() == [0.1, 0.2, 0.3]

    def test_is_not_waited_for_again_while_it_is_busy_nor_asked_while_it_rests(self):
        now = [0.0]
        slow = Sleeps(1.0, 1.0, 1.0)
        layer = GuardedLayer(slow, limit=0.02, rest=10, monotonic=lambda: now[0])
        with pytest.raises(LayerFault, match="took longer"):
            self.ask(layer)
        began = time.perf_counter()
        with pytest.raises(LayerFault, match="still busy"):
            self.ask(layer)
        assert time.perf_counter() - began < 0.02
        time.sleep(0.6)
        with pytest.raises(LayerFault, match="not asked for a while"):
            self.ask(layer)
        now[0], slow.naps = 11.0, 0.0
        layer._limit = 5.0
        assert self.ask(layer).scores.tolist() == [1.0, 1.0, 1.0]


class TestTheReasonsOfALayerFromOutside:
    SNAPSHOT = TestALayerThatBreaksTheContract.SNAPSHOT

    def test_are_told_where_they_come_in_time(self):
        layer = Ponders(1.0, 1.0, 1.0)
        layer.naps = 0.0
        view = make_stranger()
        found = play(GuardedLayer(layer, limit=5.0), view, everything(self.SNAPSHOT), detect(view, NOW))
        assert [found.sentence(position) for position in range(2)] == ["thought about 0", "thought about 1"]

    def test_are_another_layers_where_they_take_too_long_and_it_rests(self):
        now = [0.0]
        guarded = GuardedLayer(Ponders(1.0, 0.5, 0.2), limit=0.02, monotonic=lambda: now[0])
        view = make_stranger()
        layers = {"base": LAYERS["base"], "wild": guarded}
        weights = Mix({"base": 1.0, "wild": 1.0})
        found = rank(view, everything(self.SNAPSHOT), detect(view, NOW), weights, layers, variety=0)
        assert found.faults == ()
        assert next(i for i in found.first(3) if i.content.key == "c").why.sentence == "Popular this month"
        with pytest.raises(LayerFault, match="busy"):
            play(guarded, view, everything(self.SNAPSHOT), detect(view, NOW))

    def test_are_asked_for_no_longer_than_the_limit_all_together(self):
        ticks = iter(range(100))
        layer = Ponders(1.0, 1.0, 1.0)
        layer.naps = 0.0
        guarded = GuardedLayer(layer, limit=5.0, monotonic=lambda: 3.0 * next(ticks))
        view = make_stranger()
        found = play(guarded, view, everything(self.SNAPSHOT), detect(view, NOW))
        assert [found.sentence(position) for position in range(3)] == ["thought about 0", "", ""]
        assert play(guarded, view, everything(self.SNAPSHOT), detect(view, NOW)).scores.any()


def test_novelty_is_nothing_before_the_day_of_publication():
    snapshot = make_snapshot([make_content("spring", published_at=NOW)])
    view = make_stranger()
    earlier = replace(view, at=NOW.replace(day=1))
    assert LAYERS["base"].score(view, everything(snapshot), detect(view, NOW)).scores[0] == 0.02
    assert LAYERS["base"].score(earlier, everything(snapshot), detect(view, earlier.at)).scores[0] == 0
