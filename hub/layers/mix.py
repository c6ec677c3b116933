"""The mix: how loud each layer plays. A scenario has one; one call may change it; the customer may too.

First weights, then solo, then mute. Nothing is renormalised: a contribution is `weight * score`
whatever the other faders do, so that muting one layer leaves every other contribution as it was
(docs/decisions/0051).
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from hub.errors import InvalidInput

LOUDEST = 10.0
SWITCH = "layer."  # prefix of the preferences by which a customer switches layers
OFF = "off"


@dataclass(frozen=True, slots=True)
class Mix:
    """Weights of the layers, in the order in which they are played. A layer not named is silent.

    `diversity` and `stretch` are dials of the list as a whole, from 0 to 1, None where nobody turned them:
    how unlike each other its items are on average (one minus the cosine), and which share of them lies
    beyond what the customer is known for. See `hub.decisions.variety`.
    """

    weights: Mapping[str, float]
    diversity: float | None = None
    stretch: float | None = None


@dataclass(frozen=True, slots=True)
class MixRequest:
    """How one call wants the mix changed: first weights, then solo, then mute."""

    solo: tuple[str, ...] = ()
    mute: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    diversity: float | None = None
    stretch: float | None = None


def resolve(mix: Mix, request: MixRequest, known_layers: Collection[str]) -> Mix:
    """Return the mix as it is to be played: the layers with a weight above zero, in order.

    A layer that a scenario names and this hub does not have is silent. A solo layer to which the
    scenario gives no weight plays at 1.

    Args:
        mix: the scenario's own.
        request: what one call wants changed.
        known_layers: names of the layers of this hub.

    Raises:
        InvalidInput: with a path into the request, for a layer the hub does not have, a weight that is
            not a number from 0 to 10, a dial beyond 0 to 1, a layer both solo and mute, or nothing left
            to hear.
    """
    _check(request, known_layers)
    weights = {**mix.weights, **request.weights}
    if request.solo:
        weights = {name: weights.get(name, 1.0) for name in dict.fromkeys((*weights, *request.solo))}
    played = {
        name: float(weight)
        for name, weight in weights.items()
        if weight > 0
        and name in known_layers
        and name not in request.mute
        and (not request.solo or name in request.solo)
    }
    asked = bool(request.solo or request.mute or request.weights)
    if asked and not played:
        raise InvalidInput(
            "this mix leaves nothing to hear; give at least one layer a weight above 0",
            path=("mix",),
            code="SILENT_MIX",
        )
    return Mix(
        played,
        mix.diversity if request.diversity is None else request.diversity,
        mix.stretch if request.stretch is None else request.stretch,
    )


def _check(request: MixRequest, known_layers: Collection[str]) -> None:
    for dial in ("diversity", "stretch"):
        check_dial(getattr(request, dial), path=("mix", dial))
    for place, names in (("weights", request.weights), ("solo", request.solo), ("mute", request.mute)):
        for index, name in enumerate(names):
            if name not in known_layers:
                known = ", ".join(known_layers)
                raise InvalidInput(
                    f"this hub has no layer {name!r}; its layers are {known}",
                    path=("mix", place, index),
                    code="UNKNOWN_LAYER",
                )
    for index, (name, weight) in enumerate(request.weights.items()):
        if not math.isfinite(weight) or not 0 <= weight <= LOUDEST:
            raise InvalidInput(
                f"the weight of {name!r} must be a number from 0 to {LOUDEST:g}, not {weight}",
                path=("mix", "weights", index),
                code="INVALID_WEIGHT",
            )
    for index, name in enumerate(request.solo):
        if name in request.mute:
            raise InvalidInput(
                f"{name!r} cannot be both solo and mute; drop one of them",
                path=("mix", "solo", index),
                code="SOLO_AND_MUTE",
            )


def check_dial(value: float | None, *, path: tuple[str | int, ...]) -> None:
    """Let a dial's setting pass.

    Raises:
        InvalidInput: if it is not a number from 0 to 1.
    """
    if value is not None and not 0 <= value <= 1:
        raise InvalidInput(f"{path[-1]} is a number from 0 to 1, not {value}", path=path, code="INVALID_DIAL")


def without(mix: Mix, layers: Collection[str], *, fallback: str = "base") -> Mix:
    """Return the mix without some layers; if that leaves nothing, `fallback` plays alone.

    Something has to be shown, and that layer does not look at the customer.
    """
    played = {name: weight for name, weight in mix.weights.items() if name not in layers}
    return replace(mix, weights=played or {fallback: 1.0})


def switched_off(preferences: Mapping[str, object]) -> frozenset[str]:
    """Return the names of the layers that a customer has switched off."""
    return frozenset(
        name.removeprefix(SWITCH)
        for name, value in preferences.items()
        if name.startswith(SWITCH) and str(value).lower() == OFF
    )


def respect(mix: Mix, preferences: Mapping[str, object], *, fallback: str = "base") -> Mix:
    """Return the mix without the layers that the customer switched off; their word beats any request."""
    return without(mix, switched_off(preferences), fallback=fallback)
