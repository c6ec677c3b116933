"""Which layers there are, and how others add theirs."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from hub.errors import SetupError
from hub.layers.base import Contribution, Layer
from hub.layers.registry import load_layers, own_layers


class NightLayer:
    name = "night"
    version = 1
    title = "At night"
    description = "Likes what is shown at night."

    def score(self, view, candidates, moment):
        return Contribution(np.zeros(len(candidates)))


class SecondBase(NightLayer):
    name = "base"


class NumberedInWords(NightLayer):
    version = "1.0"


class Untitled(NightLayer):
    title = None


class Undescribed(NightLayer):
    description = " "


class CalledOddly(NightLayer):
    name = "At=Night"


class NoLayer:
    name = "nothing"


NIGHT = NightLayer()


def point(attribute):
    return EntryPoint("theirs", f"{__name__}:{attribute}", "tutti.layers")


def test_the_hub_ships_these():
    assert set(load_layers([])) >= {
        *("base", "interests", "session", "declared", "needs", "habit", "neighbours", "segment"),
        *("lookalike", "moment", "value", "cross_brand", "discovery"),
    }


def test_every_shipped_layer_keeps_the_contract_and_speaks_for_itself():
    for layer in own_layers():
        assert isinstance(layer, Layer)
        assert layer.version >= 1
        assert layer.title
        assert layer.description.endswith(".")


@pytest.mark.parametrize("attribute", ["NightLayer", "NIGHT"])
def test_a_class_or_an_instance_can_be_added(attribute):
    assert list(load_layers([point(attribute)]))[-1] == "night"


@pytest.mark.parametrize(
    ("attribute", "fault"),
    [
        ("NoLayer", "is no layer"),
        ("SecondBase", "there is such a layer already"),
        ("Absent", "cannot be loaded"),
        ("NumberedInWords", "version of the layer .* is a whole number from 1, not '1.0'"),
        ("Untitled", "title of the layer .* is a text, not None"),
        ("Undescribed", "description of the layer .* is a text, not ' '"),
        ("CalledOddly", "calls itself 'At=Night'"),
    ],
)
def test_a_faulty_one_is_named_at_start(attribute, fault):
    with pytest.raises(SetupError, match=fault) as error:
        load_layers([point(attribute)])
    assert attribute in error.value.message
