"""Scenarios, as they are shown."""

from dataclasses import dataclass

from hub.decisions.model import Channel, Scenario, SlotSpec
from hub.errors import NotFound
from resolvers import access
from resolvers.context import Context
from resolvers.layers import PlayedLayer

__all__ = ["PlacedSlot", "PlayedLayer", "everything", "scenario", "slots"]


@dataclass(frozen=True, slots=True)
class PlacedSlot:
    """A slot and the channel it is on."""

    channel: Channel
    slot: SlotSpec


async def scenario(context: Context, key: str) -> Scenario | None:
    """Return the scenario of a key."""
    access.need(context, *access.READERS, doing="reading a scenario")
    try:
        return await context.services.scenarios.get(key)
    except NotFound:
        return None


async def everything(context: Context) -> list[Scenario]:
    """Return all scenarios, by key."""
    access.need(context, *access.READERS, doing="reading the scenarios")
    return sorted(await context.services.scenarios.list(), key=lambda each: each.key)


def slots(of: Scenario, channel: Channel | None) -> list[PlacedSlot]:
    """Return a scenario's slots on one channel, or on all of them in the channels' order."""
    wanted = Channel if channel is None else (channel,)
    return [PlacedSlot(each, slot) for each in wanted for slot in of.slots.get(each, ())]
