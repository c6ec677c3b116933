"""Which layers this hub has: its own, and those that other packages add by an entry point `tutti.layers`."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import FunctionType

from hub.errors import SetupError
from hub.layers.base import Layer
from hub.layers.cross_brand import CrossBrandLayer
from hub.layers.declared import DeclaredLayer
from hub.layers.discovery import DiscoveryLayer
from hub.layers.guard import GuardedLayer
from hub.layers.habit import HabitLayer
from hub.layers.interests import InterestsLayer
from hub.layers.lookalike import LookalikeLayer
from hub.layers.moment import MomentLayer
from hub.layers.needs import NeedsLayer
from hub.layers.neighbours import NeighboursLayer
from hub.layers.popularity import BaseLayer
from hub.layers.segment import SegmentLayer
from hub.layers.session import SessionLayer
from hub.layers.value import ValueLayer

GROUP = "tutti.layers"
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def own_layers() -> tuple[Layer, ...]:
    """Return the layers that ship with the hub, in the order in which they are shown."""
    return (
        BaseLayer(),
        InterestsLayer(),
        SessionLayer(),
        DeclaredLayer(),
        NeedsLayer(),
        SegmentLayer(),
        LookalikeLayer(),
        MomentLayer(),
        ValueLayer(),
        CrossBrandLayer(),
        DiscoveryLayer(),
        HabitLayer(),
        NeighboursLayer(),
    )


def load_layers(found: Iterable[EntryPoint] | None = None) -> Mapping[str, Layer]:
    """Return all layers by name: the hub's own, then installed ones in the order of their names.

    An entry point names a layer or something that makes one when called without arguments. What comes from
    outside is guarded, see `hub.layers.guard`.

    Raises:
        SetupError: if one cannot be loaded, is no layer, or takes a name that is taken.
    """
    layers: dict[str, Layer] = {layer.name: layer for layer in own_layers()}
    points = entry_points(group=GROUP) if found is None else found
    for point in sorted(points, key=lambda p: p.name):
        try:
            made = point.load()
            layer = made() if isinstance(made, (type, FunctionType)) else made
        except Exception as error:
            raise SetupError(f"the layer {point.name!r} ({point.value}) cannot be loaded: {error}") from error
        if not isinstance(layer, Layer):
            raise SetupError(f"{point.value} is no layer: it lacks a part of hub.layers.base.Layer")
        _check(layer, point.value)
        if layer.name in layers:
            raise SetupError(f"{point.value} calls itself {layer.name!r}, and there is such a layer already")
        layers[layer.name] = GuardedLayer(layer)
    return layers


def _check(layer: Layer, origin: str) -> None:
    """Let a layer from outside pass that can be named in a mix and shown to everybody who asks.

    Raises:
        SetupError: its name, version, title or description is none.
    """
    told: dict[str, object] = {part: getattr(layer, part) for part in ("name", "title", "description")}
    version: object = layer.version
    for part, value in told.items():
        if not isinstance(value, str) or not value.strip():
            raise SetupError(f"the {part} of the layer {origin} is a text, not {value!r}")
    if not NAME.fullmatch(layer.name):
        raise SetupError(
            f"{origin} calls itself {layer.name!r}; a layer's name is a small letter and up to 39 small letters, "
            "figures and underscores"
        )
    if type(version) is not int or not 0 < version < 2**31:
        raise SetupError(f"the version of the layer {origin} is a whole number from 1, not {version!r}")
