"""The laws that a decision keeps, whatever the catalogue, the customer and the mix."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.decisions.candidates import retrieve
from hub.decisions.decide import rank
from hub.decisions.gates import judge
from hub.decisions.model import Mix, MixRequest
from hub.decisions.moment import detect
from hub.decisions.rules import RULES
from hub.decisions.shelf import arrange
from hub.errors import InvalidInput
from hub.layers.base import Candidates, Contribution
from hub.layers.lasting import due_items, owned_items
from hub.layers.mix import resolve
from tests.builders import make_content, make_scenario, make_snapshot, make_stranger, make_view
from tests.decisions.strategies import LAYERS, play, situations, told

property_test = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
layer_names = st.sampled_from(sorted(LAYERS))


@property_test
@given(situations)
def test_the_contributions_of_an_item_sum_to_its_score(situation):
    decision = play(*situation)
    for item in decision.ranking.first(len(decision.ranking)):
        parts = item.why.contributions
        assert sum(part.contribution for part in parts) == pytest.approx(item.score, abs=1e-9)
        assert all(part.contribution == part.weight * part.score for part in parts)
        assert all(-1 <= part.score <= 1 for part in parts)
        assert [part.layer for part in parts] == list(decision.mix.weights)


@property_test
@given(situations, layer_names)
def test_muting_a_layer_equals_a_configuration_without_it(situation, name):
    snapshot, view, scenario = situation
    muted = play(snapshot, view, scenario, resolve(scenario.mix, MixRequest(mute=(name,)), LAYERS.keys()))

    without = Mix({other: weight for other, weight in scenario.mix.weights.items() if other != name})
    named_nowhere = play(snapshot, view, replace(scenario, mix=without))
    layers = {other: layer for other, layer in LAYERS.items() if other != name}
    mix = resolve(scenario.mix, MixRequest(), layers.keys())
    not_installed = play(snapshot, view, scenario, mix, layers)

    assert told(muted) == told(named_nowhere) == told(not_installed)


@property_test
@given(situations, layer_names)
def test_a_solo_layer_equals_a_configuration_with_it_alone(situation, name):
    snapshot, view, scenario = situation
    solo = play(snapshot, view, scenario, resolve(scenario.mix, MixRequest(solo=(name,)), LAYERS.keys()))

    alone = play(snapshot, view, replace(scenario, mix=Mix({name: scenario.mix.weights[name]})))
    only_one = {name: LAYERS[name]}
    installed_alone = play(snapshot, view, scenario, resolve(scenario.mix, MixRequest(), only_one), only_one)

    assert told(solo) == told(alone) == told(installed_alone)


@property_test
@given(situations, layer_names)
def test_rank_before_is_the_rank_in_the_decision_with_that_layer_mute(situation, name):
    snapshot, view, scenario = situation
    scenario = replace(scenario, variety=0.0)
    whole = play(snapshot, view, scenario)
    without = {other: weight for other, weight in scenario.mix.weights.items() if other != name}
    muted = play(snapshot, view, scenario, Mix(without))
    place = {content.key: rank for rank, content in enumerate(muted.ranking.contents, 1)}
    for item in whole.ranking.first(len(whole.ranking)):
        ranks = {part.layer: part for part in item.why.contributions}
        assert ranks[name].rank_before == place[item.content.key]
        assert ranks[name].rank_after == item.position


@property_test
@given(situations)
def test_every_absence_names_one_gate_and_rule(situation):
    snapshot, view, scenario = situation
    shelf = arrange(snapshot)
    owned = owned_items(view, snapshot)
    due = due_items(owned, view.at)
    moment = detect(view, view.at, due=[item.content.key for item in due])
    verdict = judge(view, shelf, scenario, moment, owned)
    kinds = [kind for slots in scenario.slots.values() for slot in slots for kind in slot.kinds]
    found = retrieve(view, shelf, verdict.codes, moment, kinds=kinds, owned=owned, due=due)

    decision = play(snapshot, view, scenario)
    ranked = [content.key for content in decision.ranking.contents]
    removed = [removal.content.key for removal in decision.removed]
    assert sorted(ranked + removed) == sorted(snapshot.contents[row].key for row in found.rows)
    known = {(rule.gate, rule.name) for rule in RULES}
    for removal in decision.removed:
        assert (removal.gate, removal.rule) in known
        assert removal.sentence


@property_test
@given(situations)
def test_the_same_inputs_give_the_same_bytes(situation):
    assert told(play(*situation)) == told(play(*situation))


@property_test
@given(situations, st.sampled_from([0.0, 0.5, 1.0]))
def test_variety_moves_items_and_changes_neither_scores_nor_what_is_ranked(situation, variety):
    snapshot, view, scenario = situation
    plain = play(snapshot, view, replace(scenario, variety=0.0)).ranking
    varied = play(snapshot, view, replace(scenario, variety=variety)).ranking
    scores = {item.content.key: item.score for item in plain.first(len(plain))}
    assert {item.content.key: item.score for item in varied.first(len(varied))} == scores
    ordered = [item.score for item in plain.first(len(plain))]
    assert ordered == sorted(ordered, reverse=True)


@property_test
@given(situations, st.lists(layer_names, min_size=1, unique=True))
def test_what_is_found_and_removed_does_not_depend_on_the_mix(situation, solo):
    snapshot, view, scenario = situation
    whole = play(snapshot, view, scenario)
    other = play(snapshot, view, scenario, resolve(scenario.mix, MixRequest(solo=tuple(solo)), LAYERS.keys()))
    assert other.removed == whole.removed
    assert other.offers == whole.offers
    assert {c.key for c in other.ranking.contents} == {c.key for c in whole.ranking.contents}


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("interests", make_view(interests=("copper weathercock",))),
        ("session", make_view(session=("copper weathercock",))),
        ("declared", make_view(declared=("copper weathercock",))),
        ("needs", make_view(owned={"mast": 3})),
    ],
)
def test_a_muted_layer_is_looked_for_all_the_same(name, view):
    popular = [make_content(f"mug-{n}", title=f"Mug {n}", category="mugs") for n in range(200)]
    mast = make_content("mast", title="Flag mast", category="masts", goes_with=("roof",))
    cock = make_content("weathercock", title="Copper weathercock", category="roof")
    snapshot = make_snapshot(
        [*popular, mast, cock], popularity={content.key: 0.9 for content in popular} | {"weathercock": 0.0}
    )
    scenario = make_scenario()
    assert "weathercock" not in {c.key for c in play(snapshot, make_stranger(), scenario).ranking.contents}
    muted = play(snapshot, view, scenario, resolve(scenario.mix, MixRequest(mute=(name,)), LAYERS.keys()))
    assert "weathercock" in {content.key for content in muted.ranking.contents}


class Fixed:
    """A layer with given scores."""

    version, title, description = 1, "Fixed", "Says what it is told to say."

    def __init__(self, name, *scores):
        self.name = name
        self.scores = np.array(scores)

    def score(self, view, candidates, moment):
        return Contribution(self.scores)


def test_ranks_without_a_layer_are_not_blurred_by_subtraction():
    snapshot = make_snapshot([make_content("a"), make_content("b")])
    layers = {"one": Fixed("one", 0.1, 0.1), "two": Fixed("two", 0.7, 0.2)}
    assert 0.1 + 0.7 - 0.7 < 0.1 + 0.2 - 0.2  # what a rank from a difference would be led astray by
    view = make_stranger()
    found = rank(
        view,
        Candidates(snapshot, np.arange(2)),
        detect(view, view.at),
        Mix(dict.fromkeys(layers, 1.0)),
        layers,
        variety=0,
    )
    before = {
        item.content.key: {part.layer: part.rank_before for part in item.why.contributions}
        for item in found.first(2)
    }
    assert (before["a"]["two"], before["b"]["two"]) == (1, 2)


@property_test
@given(situations)
def test_what_was_hidden_is_never_ranked(situation):
    _, view, _ = situation
    assert not {content.key for content in play(*situation).ranking.contents} & view.hidden


impossible = st.one_of(
    st.builds(lambda name: MixRequest(mute=(name,)), st.text().filter(lambda name: name not in LAYERS)),
    st.builds(lambda name: MixRequest(solo=(name,)), st.text().filter(lambda name: name not in LAYERS)),
    st.builds(lambda name: MixRequest(weights={name: 1.0}), st.text().filter(lambda n: n not in LAYERS)),
    st.builds(
        lambda name, weight: MixRequest(weights={name: weight}),
        layer_names,
        st.one_of(
            st.just(float("nan")),
            st.just(float("inf")),
            st.floats(max_value=-1e-300, allow_nan=False),
            st.floats(min_value=10.01),
        ),
    ),
    st.builds(lambda name: MixRequest(solo=(name,), mute=(name,)), layer_names),
    st.just(MixRequest(mute=tuple(LAYERS))),
    st.just(MixRequest(weights=dict.fromkeys(LAYERS, 0.0))),
)


@given(impossible)
def test_an_impossible_mix_is_refused_with_a_path(request_):
    scenario_mix = Mix(dict.fromkeys(LAYERS, 1.0))
    with pytest.raises(InvalidInput) as refusal:
        resolve(scenario_mix, request_, LAYERS.keys())
    assert refusal.value.path[0] == "mix"
    if refusal.value.kind == "UNKNOWN_LAYER":
        assert all(name in refusal.value.message for name in LAYERS)
