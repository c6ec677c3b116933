"""Layers and mixes, as they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.decisions.model import Mix, MixRequest
from hub.errors import InvalidInput
from hub.layers.base import Layer
from resolvers import access
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class RetiredLayer:
    """A layer that the ledger remembers and that this hub no longer has."""

    name: str
    version: int = 0
    description: str = "This layer is no longer installed."

    @property
    def title(self) -> str:
        """Its name, since nobody knows its title any more."""
        return self.name


@dataclass(frozen=True, slots=True)
class PlayedLayer:
    """A layer and its weight."""

    layer: Layer | RetiredLayer
    weight: float


def everything(context: Context) -> list[Layer]:
    """Return the layers of this hub, in the order of play."""
    access.need(context, *access.READERS, doing="reading the layers")
    return list(context.services.layers.values())


def named(context: Context, name: str) -> Layer | RetiredLayer:
    """Return the layer of a name, whether it is still installed or not."""
    return context.services.layers.get(name) or RetiredLayer(name)


def played(context: Context, mix: Mix) -> list[PlayedLayer]:
    """Return a mix's layers with their weights."""
    return [PlayedLayer(named(context, name), weight) for name, weight in mix.weights.items()]


def mix_request(
    solo: Sequence[str],
    mute: Sequence[str],
    weights: Sequence[tuple[str, float]],
    *,
    diversity: float | None = None,
    stretch: float | None = None,
) -> MixRequest:
    """Return what one call wants changed.

    Raises:
        InvalidInput: if a layer is given two weights.
    """
    return MixRequest(
        solo=tuple(solo),
        mute=tuple(mute),
        weights=each_once(weights, path=("mix", "weights")),
        diversity=diversity,
        stretch=stretch,
    )


def each_once(weights: Sequence[tuple[str, float]], *, path: tuple[str, ...]) -> dict[str, float]:
    """Return weights by layer.

    Raises:
        InvalidInput: if a layer is given two weights.
    """
    heard: dict[str, float] = {}
    for index, (layer, weight) in enumerate(weights):
        if layer in heard:
            raise InvalidInput(
                f"{layer!r} is given two weights; leave one",
                path=(*path, index),
                code="TWO_WEIGHTS",
            )
        heard[layer] = weight
    return heard
