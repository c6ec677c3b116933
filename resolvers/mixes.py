"""Saved mixes and mutes, for administrators."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.decisions.mixes import Muted, SavedMix
from resolvers import access
from resolvers.context import Context
from resolvers.layers import PlayedLayer, each_once, named
from resolvers.outcomes import Outcome, outcome


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What is in force after a roll-back: None for the scenario's own mix."""

    mix: SavedMix | None


async def everything(context: Context, scenario_key: str) -> tuple[SavedMix, ...]:
    """Return every version of a scenario's mix, newest first."""
    access.need(context, doing="reading saved mixes")
    return await context.services.mixes.list(scenario_key)


async def muted(context: Context) -> tuple[Muted, ...]:
    """Return what an operator has silenced."""
    access.need(context, doing="reading the mutes")
    board = await context.services.mixes.board()
    return tuple(board.muted[name] for name in sorted(board.muted))


def played(context: Context, mix: SavedMix) -> list[PlayedLayer]:
    """Return a saved mix's layers with their weights."""
    return [PlayedLayer(named(context, name), weight) for name, weight in mix.weights.items()]


async def draft(
    context: Context,
    scenario_key: str,
    weights: Sequence[tuple[str, float]],
    *,
    diversity: float | None,
    stretch: float | None,
    note: str,
) -> Outcome[SavedMix]:
    """Save a new version."""

    async def doing() -> SavedMix:
        access.need(context, doing="drafting a mix")
        return await context.services.mixes.draft(
            scenario_key,
            each_once(weights, path=("weights",)),
            diversity=diversity,
            stretch=stretch,
            note=note,
            by=context.caller.key_name,
        )

    return await outcome(doing())


async def publish(context: Context, scenario_key: str, version: int) -> Outcome[SavedMix]:
    """Put a version in force."""

    async def doing() -> SavedMix:
        access.need(context, doing="publishing a mix")
        return await context.services.mixes.publish(scenario_key, version)

    return await outcome(doing())


async def roll_back(context: Context, scenario_key: str) -> Outcome[RolledBack]:
    """Put in force what was before."""

    async def doing() -> RolledBack:
        access.need(context, doing="rolling a mix back")
        return RolledBack(await context.services.mixes.roll_back(scenario_key))

    return await outcome(doing())


async def mute(context: Context, layer: str, silent: bool) -> Outcome[tuple[Muted, ...]]:
    """Silence a layer everywhere, or let it play again."""

    async def doing() -> tuple[Muted, ...]:
        access.need(context, doing="muting a layer")
        return await context.services.mixes.mute(layer, silent, by=context.caller.key_name)

    return await outcome(doing())
