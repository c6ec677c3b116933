"""Unknown visitors and the replay of feedback: everybody is asked the same, and no answer is given away."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from hub.catalogue.model import ContentKind, Segment
from hub.decisions.scenario_files import shipped_scenarios
from hub.errors import InvalidInput
from hub.events.segment import parse
from hub.experiments.apart import EVERYBODY, STRANGERS, replay_report, visitors_reports
from hub.experiments.evaluation import Task, cases_of, without_variety
from hub.experiments.log import EventLog
from hub.experiments.replay import having, replay, teaching_half
from hub.experiments.stored import stored_log
from hub.experiments.visitors import meet, visits_of
from hub.experiments.world import build_world
from hub.layers.registry import load_layers
from tests.experiments.conftest import T, make_log, order

LAYERS = load_layers([])
HOME = without_variety(shipped_scenarios()["home"], [ContentKind.PRODUCT])
MIX = {"base": 0.5, "session": 1.0, "declared": 1.0, "neighbours": 1.0}


def looked(user, days, key):
    return parse(
        {
            "type": "track", "event": "Product Viewed", "userId": user, "messageId": f"{user} {days} {key}",
            "timestamp": (T + timedelta(days=days)).isoformat(), "properties": {"product_id": key},
        },
        received_at=T + timedelta(days=60),
        source="test",
    )  # fmt: skip


def quiet(_done, _total):
    return


STRANGER = order("new", 6, "mug-red", "mug-blue", "mug-green", "jam-fig", "jam-plum")


class TestVisitors:
    def test_a_visitor_looks_at_the_first_lines_of_their_first_order(self, embed):
        log = make_log(STRANGER, order("new", 9, "lamp"))
        world = build_world(log, T, days=30, embed=embed)
        (visit,) = [one for one in visits_of(world, log) if one.user == "new"]
        keys = [world.snapshot.contents[row].key for row in visit.looked]
        assert keys == [item.key for item in STRANGER.items][:3]
        assert not visit.truth & set(visit.looked)

    def test_what_the_log_says_was_looked_at_comes_first_but_not_what_came_after_the_order(self, embed):
        log = make_log(STRANGER, looked("new", 5, "jam-pear"), looked("new", 7, "jam-plum"))
        world = build_world(log, T, days=30, embed=embed)
        (visit,) = [one for one in visits_of(world, log) if one.user == "new"]
        keys = [world.snapshot.contents[row].key for row in visit.looked]
        assert keys[0] == "jam-pear"
        assert "jam-plum" not in keys

    def test_nobody_is_shown_what_is_looked_at_before_or_after_the_look(self, embed):
        log = make_log(STRANGER)
        world = build_world(log, T, days=30, embed=embed)
        visits = visits_of(world, log)
        met = meet(world, visits, embed, HOME, LAYERS, MIX, quiet)
        results = [*met.hub.values(), *met.popularity.values()]
        for number, visit in enumerate(visits):
            for result in results:
                assert not set(result.lists[number].tolist()) & set(visit.looked)

    def test_a_look_at_one_jam_brings_the_others_forward(self, embed):
        log = make_log(order("new", 6, "jam-fig", "mug-red", "mug-blue", "jam-plum"))
        world = build_world(log, T, days=30, embed=embed)
        visits = [one for one in visits_of(world, log) if one.user == "new"]
        met = meet(world, visits, embed, HOME, LAYERS, {"session": 1.0}, quiet)
        assert world.snapshot.contents[met.hub[1].lists[0][0]].key.startswith("jam")

    def test_strangers_are_told_apart_from_everybody(self, embed):
        log = make_log(STRANGER)
        world = build_world(log, T, days=30, embed=embed)
        groups = visitors_reports(world, log, embed, HOME, LAYERS, MIX, quiet)
        assert [(group.group, group.visitors) for group in groups] == [(STRANGERS, 1), (EVERYBODY, 1)]
        assert [after.looks for after in groups[0].after] == [0, 1, 3]


class TestReplay:
    def test_what_is_judged_was_never_answered_to(self, embed):
        world = build_world(make_log(), T, days=30, embed=embed)
        found = replay(world, embed, HOME, LAYERS, MIX, quiet)
        assert found is not None
        teaching = teaching_half(world)
        for result in (found.without, found.with_feedback):
            assert not set(result.lists[result.lists >= 0].tolist()) & teaching
        assert found.repeats > 0
        assert found.skips > 0

    def test_without_a_layer_that_learns_from_it_feedback_changes_nothing(self, embed):
        world = build_world(make_log(), T, days=30, embed=embed)
        report = replay_report(world, embed, HOME, LAYERS, {"base": 1.0}, quiet)
        assert report is not None
        assert report.gain.mean == 0

    def test_a_half_of_the_shelf_has_the_other_half_out_of_sale(self, embed):
        world = build_world(make_log(), T, days=30, embed=embed)
        half = having(world.shelf, frozenset({0, 2}))
        open_before = world.shelf.standing == having(world.shelf, frozenset(range(len(world.shelf)))).standing
        assert open_before.all()
        assert np.flatnonzero(half.standing == world.shelf.standing).tolist() == [0, 2]


class TestStoredLog:
    async def test_a_store_without_events_is_refused(self, store):
        with pytest.raises(InvalidInput, match="no event in the store"):
            await stored_log(store, progress=lambda _share: None)


def test_segments_of_the_log_are_heard(embed):
    mugs = Segment(key="mugs", title="those who like mugs", rule={"known_days": 0}, favours=("mugs",))
    plain = make_log()

    def contents_before(at):
        return [
            replace(content, category="mugs" if content.key.startswith("mug") else "jams")
            for content in plain.contents_before(at)
        ]

    worlds = [
        build_world(EventLog(plain.events, contents_before, segments), T, days=30, embed=embed)
        for segments in ((), (mugs,))
    ]
    silent, heard = (
        [case.scores["segment"] for case in cases_of(world, Task.ALL, HOME, LAYERS)] for world in worlds
    )
    assert not any(scores.any() for scores in silent)
    assert all(scores.max() == 0.8 for scores in heard)
