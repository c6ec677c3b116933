"""How one call changes the mix, and whose word is the last."""

import pytest

from hub.decisions.model import Mix, MixRequest
from hub.errors import InvalidInput
from hub.layers.mix import resolve, respect, switched_off

KNOWN = ("base", "interests", "session")
MIX = Mix({"base": 0.5, "interests": 1.0})


def refusal(**given):
    with pytest.raises(InvalidInput) as caught:
        resolve(MIX, MixRequest(**given), KNOWN)
    return caught.value


class TestResolve:
    def test_without_a_wish_the_scenarios_mix_plays(self):
        assert resolve(MIX, MixRequest(), KNOWN) == MIX

    def test_a_weight_replaces_or_adds_and_the_others_stay(self):
        mix = resolve(MIX, MixRequest(weights={"session": 2, "base": 0.1}), KNOWN)
        assert list(mix.weights.items()) == [("base", 0.1), ("interests", 1.0), ("session", 2.0)]

    def test_mute_leaves_a_layer_out_and_the_others_as_they_are(self):
        assert resolve(MIX, MixRequest(mute=("base",)), KNOWN) == Mix({"interests": 1.0})

    def test_muting_what_does_not_play_changes_nothing(self):
        assert resolve(MIX, MixRequest(mute=("session",)), KNOWN) == MIX

    def test_solo_keeps_the_weight(self):
        assert resolve(MIX, MixRequest(solo=("base",)), KNOWN) == Mix({"base": 0.5})

    def test_solo_of_a_layer_that_does_not_play_plays_it_at_one(self):
        assert resolve(MIX, MixRequest(solo=("session",)), KNOWN) == Mix({"session": 1.0})

    def test_weights_come_before_solo_and_solo_before_mute(self):
        request = MixRequest(weights={"session": 3}, solo=("session", "base"), mute=("interests",))
        assert resolve(MIX, request, KNOWN) == Mix({"base": 0.5, "session": 3.0})

    def test_a_weight_of_zero_is_the_same_as_mute(self):
        assert resolve(MIX, MixRequest(weights={"base": 0.0}), KNOWN) == resolve(
            MIX, MixRequest(mute=("base",)), KNOWN
        )

    def test_a_scenarios_layer_that_this_hub_lacks_is_silent(self):
        assert resolve(Mix({"base": 1.0, "habit": 2.0}), MixRequest(), KNOWN) == Mix({"base": 1.0})


class TestRefusals:
    @pytest.mark.parametrize("place", ["solo", "mute"])
    def test_an_unknown_layer_names_the_known(self, place):
        error = refusal(**{place: ("base", "nonsense")})
        assert (error.kind, error.path) == ("UNKNOWN_LAYER", ("mix", place, 1))
        assert error.message == "this hub has no layer 'nonsense'; its layers are base, interests, session"

    def test_an_unknown_layer_among_the_weights(self):
        assert refusal(weights={"base": 1.0, "x": 1.0}).path == ("mix", "weights", 1)

    @pytest.mark.parametrize("weight", [float("nan"), float("inf"), -float("inf"), -0.1, 10.5])
    def test_a_weight_that_is_none(self, weight):
        error = refusal(weights={"base": weight})
        assert (error.kind, error.path) == ("INVALID_WEIGHT", ("mix", "weights", 0))

    def test_solo_and_mute_at_once(self):
        error = refusal(solo=("base", "session"), mute=("session",))
        assert (error.kind, error.path) == ("SOLO_AND_MUTE", ("mix", "solo", 1))

    @pytest.mark.parametrize(
        "given",
        [
            {"mute": KNOWN},
            {"weights": {"base": 0.0, "interests": 0.0}},
            {"solo": ("base",), "weights": {"base": 0.0}},
        ],
    )
    def test_silence(self, given):
        error = refusal(**given)
        assert (error.kind, error.path) == ("SILENT_MIX", ("mix",))


class TestTheCustomersSwitches:
    def test_off_is_off_whatever_was_asked(self):
        solo = resolve(MIX, MixRequest(solo=("interests", "base")), KNOWN)
        assert respect(solo, {"layer.interests": "off"}) == Mix({"base": 0.5})

    def test_if_nothing_is_left_the_base_plays_alone(self):
        off = {"layer.interests": "off", "layer.base": "off"}
        assert respect(MIX, off) == Mix({"base": 1.0})

    def test_other_preferences_and_layers_switched_on_change_nothing(self):
        preferences = {"layer.base": "on", "likes": "roses", "newsletter": "off"}
        assert switched_off(preferences) == frozenset()
        assert respect(MIX, preferences) == MIX
