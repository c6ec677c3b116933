"""The evaluation decides as the hub does, looks at nothing after T, and tells gains that are there."""

import runpy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

from hub.catalogue.model import ContentKind
from hub.decisions.decide import decide
from hub.decisions.scenario_files import shipped_scenarios
from hub.experiments.evaluation import (
    Task,
    audible,
    cases_of,
    hiding,
    hub_result,
    mean_ndcg_of_mixes,
    without_variety,
)
from hub.experiments.log import EventLog
from hub.experiments.peers import all_peers
from hub.experiments.peers.frequency import PersonalFrequency
from hub.experiments.peers.popularity import Popularity
from hub.experiments.report import as_json, as_markdown, draw
from hub.experiments.run import evaluate
from hub.experiments.tuning import halves, tune
from hub.experiments.world import build_world, with_newcomers
from hub.layers.base import Contribution
from hub.layers.guard import GuardedLayer
from hub.layers.mix import Mix
from hub.layers.registry import load_layers
from tests.experiments.conftest import GOODS, T, Words, make_log, order

LAYERS = load_layers([])
HOME = without_variety(shipped_scenarios()["home"], [ContentKind.PRODUCT])
DEPLOY = Path(__file__).parents[2] / "deploy"
MIX = {"base": 0.5, "interests": 0.3, "habit": 1.0, "neighbours": 1.0}


def world_of(log, embed):
    return build_world(log, T, days=30, embed=embed)


class Raises:
    name, version, title, description = "wild", 1, "Wild", "Does not keep its contract."

    def score(self, view, candidates, moment):
        raise RuntimeError("somebody's name")


class Slow(Raises):
    name = "slow"

    def score(self, view, candidates, moment):
        return Contribution(np.zeros(len(candidates)))


@pytest.fixture
def world(embed):
    return world_of(make_log(), embed)


@pytest.fixture
def cases(world):
    return cases_of(world, Task.ALL, HOME, LAYERS)


class TestNothingLeaks:
    def test_what_happens_from_t_on_changes_neither_catalogue_nor_views_nor_candidates(self, embed):
        full = make_log()
        blind = EventLog(
            tuple(e for e in full.events if e.at < T or not e.user_id or e.user_id == "c1"),
            lambda at: full.contents_before(min(at, T)),
        )
        later = order("c1", 1, "lamp", "jam-pear", number=9)
        more = EventLog(
            tuple(sorted([*full.events, later], key=lambda e: (e.at, e.id))), full.contents_before
        )
        seen = [world_of(log, embed) for log in (full, blind, more)]
        assert len({world.snapshot.version for world in seen}) == 1
        assert len({world.snapshot.neighbours.version for world in seen}) == 1
        cases = [{c.user: c for c in cases_of(world, Task.ALL, HOME, LAYERS)}["c1"] for world in seen]
        for case in cases[1:]:
            assert (case.rows == cases[0].rows).all()
            for name, scores in cases[0].scores.items():
                assert (case.scores[name] == scores).all()

    def test_what_was_never_sold_before_t_is_no_truth(self, embed):
        world = world_of(make_log(), embed)
        assert world.snapshot.row("mug-gold") is None
        assert set(world.strangers) == {"nobody"}
        assert len(world.truths) == 16
        assert world.purchases.ages.min() >= 1


class TestLists:
    @pytest.mark.parametrize("task", list(Task))
    @pytest.mark.parametrize("mix", [MIX, {"habit": 1.0}, {"neighbours": 0.3, "base": 0.1}])
    def test_every_mix_is_shown_as_decide_shows_it(self, world, task, mix):
        for case in cases_of(world, task, HOME, LAYERS):
            view = world.views[case.user]
            if task is Task.NEW:
                view = hiding(view, world, case.had)
            shown = decide(view, world.shelf, HOME, Mix(mix), LAYERS).ranking.contents
            assert [world.snapshot.contents[row].key for row in case.ranked(mix)] == [c.key for c in shown]

    def test_new_suppresses_what_was_bought_and_does_not_ask_for_it(self, world):
        cases = cases_of(world, Task.NEW, HOME, LAYERS)
        assert len(cases) == 16
        for case in cases:
            assert not case.had & set(case.rows.tolist())
            assert not case.had & case.truth

    def test_many_mixes_at_once_are_judged_as_one_alone(self, world):
        cases = cases_of(world, Task.ALL, HOME, LAYERS)
        names = audible(cases, tuple(LAYERS))
        weights = np.array([MIX.get(name, 0.0) for name in names])
        many = mean_ndcg_of_mixes(cases, weights[None, :], names)
        assert many[:, 0] == pytest.approx(hub_result("hub", cases, MIX).ndcg)

    def test_habit_knows_the_favourites_better_than_popularity_does(self, world):
        cases = cases_of(world, Task.ALL, HOME, LAYERS)
        habit = hub_result("habit", cases, {"habit": 1.0}).ndcg.mean()
        assert habit > hub_result("base", cases, {"base": 1.0}).ndcg.mean()


def test_a_run_is_told_in_tables_json_and_a_picture(embed, tmp_path):
    steps = []
    report = evaluate(
        make_log(), T, days=30, encoder=Words(), scenario=shipped_scenarios()["home"], layers=LAYERS,
        mix=MIX, peers=[Popularity(7), PersonalFrequency()], steps=lambda *step: steps.append(step),
    )  # fmt: skip
    everything = report.tasks[0]
    assert [line.name for line in everything.lines[2:]] == ["popularity, 7 days", "personal frequency"]
    shares = sum(worth.share for worth in everything.layers)
    assert shares == pytest.approx(everything.together)
    assert report.newcomers is not None
    assert (report.newcomers.items, report.newcomers.customers) == (1, 2)
    assert report.cold_customers == 1
    assert orjson.loads(as_json(report))["tasks"][0]["customers"] == 16
    assert "| personal frequency |" in as_markdown(report)
    draw(report, tmp_path / "picture.png")
    written = runpy.run_path(str(DEPLOY / "evaluating.py"))
    for name in written["TABLES"]:
        made = written["fill"](
            f"before\n<!-- table: {name} -->\n| old |\n<!-- end -->\nafter", [orjson.loads(as_json(report))]
        )
        assert made.startswith(f"before\n<!-- table: {name} -->\n| ")
        assert made.endswith(" |\n<!-- end -->\nafter")
        assert "old" not in made
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert {name for name, _, _ in steps} >= {"customers folded", "ALL: decisions", "peers"}


def test_newcomers_are_all_that_can_be_had(embed):
    log = make_log()
    world = world_of(log, embed)
    shelf, truths = with_newcomers(world, log, embed)
    assert set(truths) == {"c1", "c3"}
    shown = decide(world.views["c1"], shelf, HOME, Mix({"interests": 1.0}), LAYERS).ranking.contents
    assert [content.key for content in shown] == ["mug-gold"]


def test_every_peer_scores_everything_with_finite_numbers(embed):
    world = world_of(make_log(), embed)
    users = np.arange(4)
    for peer in all_peers():
        scores = peer.scores(world.purchases, users)
        assert scores.shape == (4, len(world.snapshot)), peer.name
        assert np.isfinite(scores).all(), peer.name
        assert np.ptp(scores) > 0, peer.name


class TestWhatCannotBeMeasured:
    def told(self, log, at=T, days=30):
        return evaluate(
            log, at, days=days, encoder=Words(), scenario=shipped_scenarios()["home"], layers=LAYERS,
            mix={**MIX, "declared": 1.0}, peers=[Popularity(7)],
        )  # fmt: skip

    def test_is_said_in_sentences_and_stands_in_the_tables(self):
        report = self.told(make_log())
        assert [said.partition(":")[0] for said in report.unmeasured] == [
            "The log ends on 2026-03-08, 7 of 30 days after T", "ALL", "NEW", "Cold customers", "New items",
            "Unknown visitors", "Replay of feedback", "Layers that told nothing apart in this log, whatever they are worth elsewhere",
        ]  # fmt: skip
        assert "declared" in report.unmeasured[7]
        assert f"- {report.unmeasured[0]}" in as_markdown(report)
        assert orjson.loads(as_json(report))["unmeasured"] == list(report.unmeasured)

    @pytest.mark.parametrize(
        ("at", "said"),
        [
            (T - timedelta(days=400), "Nothing happened before T: the log begins on 2025-12-12."),
            (T + timedelta(days=400), "Nothing happened after T: the log ends on 2026-03-08."),
        ],
    )
    def test_an_instant_beside_the_log_gives_a_report_of_nothing(self, at, said, tmp_path):
        report = self.told(make_log(), at)
        assert report.tasks == ()
        assert report.unmeasured[0] == said
        assert report.unmeasured[1].startswith("ALL and NEW: nobody")
        draw(report, tmp_path / "picture.png")

    def test_orders_without_a_customer_are_counted(self):
        log = make_log()
        nameless = [
            replace(event, user_id=None, anonymous_id="x") if event.user_id == "c1" else event
            for event in log.events
        ]
        report = self.told(EventLog(tuple(nameless), log.contents_before))
        assert any(said.startswith("5 of 67 orders name no customer") for said in report.unmeasured)

    def test_one_customer_is_enough_for_every_peer(self, embed):
        log = make_log()
        alone = EventLog(tuple(event for event in log.events if event.user_id == "c1"), log.contents_before)
        world = world_of(alone, embed)
        for peer in all_peers():
            assert np.isfinite(peer.scores(world.purchases, np.zeros(1, np.int64))).all(), peer.name

    def test_a_layer_from_outside_that_fails_is_silent_and_named(self):
        outside = {**LAYERS, "wild": GuardedLayer(Raises()), "slow": GuardedLayer(Slow(), limit=1e-6)}
        report = evaluate(
            make_log(), T, days=30, encoder=Words(), scenario=shipped_scenarios()["home"], layers=outside,
            mix={**MIX, "wild": 1.0, "slow": 1.0}, peers=[],
        )  # fmt: skip
        assert report.unmeasured[-1] == "Layer wild: it raised RuntimeError, and counts as silent."
        assert "wild, slow" in report.unmeasured[-2]
        without = self.told(make_log()).tasks[0].lines[0]
        assert report.tasks[0].lines[0].ndcg == without.ndcg

    def test_of_too_many_layers_the_quietest_has_no_share_and_the_others_sum_without_it(self, monkeypatch):
        monkeypatch.setattr("hub.experiments.run.MOST_PLAYERS", 2)
        task = self.told(make_log()).tasks[0]
        shared = [worth for worth in task.layers if worth.share is not None]
        assert len(shared) == 2 < len(task.layers)
        assert sum(worth.share for worth in shared) == pytest.approx(task.together)
        hub = task.lines[0].ndcg
        assert all(worth.without + worth.costs.mean == pytest.approx(hub) for worth in task.layers)


class TestTuning:
    def test_a_customer_is_wholly_in_one_half(self, cases):
        teaching, telling = halves([*cases, *cases])
        assert len(teaching) + len(telling) == 2 * len(cases)
        assert not {case.user for case in teaching} & {case.user for case in telling}
        assert teaching
        assert telling

    def test_a_mix_that_plays_the_wrong_layer_is_put_right(self, cases):
        names = audible(cases, tuple(LAYERS))
        teaching, telling = halves(cases)
        wrong = {"base": 1.0, "habit": 0.01}
        tuned = tune(teaching, telling, wrong, names)
        assert tuned.after > tuned.before
        assert tuned.gain.mean == pytest.approx(tuned.after - tuned.before)
        assert all(weight >= 0 for weight in tuned.weights.values())

    def test_where_there_is_nothing_to_learn_the_mix_in_force_stays(self, cases):
        blank = [replace(case, truth=frozenset()) for case in cases]
        tuned = tune(blank, cases, {"habit": 1.0}, ["habit"])
        assert tuned.weights == {"habit": 1.0}
        assert tuned.gain.mean == 0


def test_the_small_shop_is_what_it_says():
    assert len(GOODS) == 8
    assert max(event.at for event in make_log().events) < T + timedelta(days=30)
