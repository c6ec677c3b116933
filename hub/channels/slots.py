"""Filling slots: one walk down the one ranking, which is why every channel shows a subsequence of it."""

from collections.abc import Sequence

from hub.catalogue.model import Availability, Content
from hub.channels.model import Slot
from hub.decisions.model import Channel, Decision, Ranking, Scenario, SlotSpec

FALLBACK = SlotSpec("picks", "Picked for you", 6, ())


def eligible(content: Content, channel: Channel) -> bool:
    """Tell whether a channel may show a content that the decision ranked.

    An email is opened hours after it was made: the last pieces of something are not mailed.
    """
    return channel is not Channel.EMAIL or content.availability is not Availability.LOW_STOCK


def specs_for(scenario: Scenario, channel: Channel) -> tuple[SlotSpec, ...]:
    """Return the slots that a scenario has on a channel; where it says none, those it has on the web."""
    return scenario.slots.get(channel) or scenario.slots.get(Channel.WEB) or (FALLBACK,)


def slots_of(decision: Decision, channel: Channel) -> tuple[Slot, ...]:
    """Return the slots of a channel, filled from the decision's ranking."""
    return fill(decision.ranking, specs_for(decision.scenario, channel), channel)


def fill(ranking: Ranking, specs: Sequence[SlotSpec], channel: Channel) -> tuple[Slot, ...]:
    """Return the slots filled from the top of the ranking; slots that stay empty are left out."""
    return tuple(
        Slot(spec.key, spec.title, tuple(ranking.item(index) for index in indexes))
        for spec, indexes in zip(specs, chosen(ranking.contents, specs, channel), strict=True)
        if indexes
    )


def chosen(contents: Sequence[Content], specs: Sequence[SlotSpec], channel: Channel) -> list[list[int]]:
    """Return for each slot the indexes of the ranked contents that fill it.

    Each content goes to the first slot that takes it and has room, so nothing is shown twice
    and items of a slot, and of all slots sorted by position, keep the order of the ranking.
    """
    filled: list[list[int]] = [[] for _ in specs]
    open_slots = {number for number, spec in enumerate(specs) if spec.size > 0}
    for index, content in enumerate(contents):
        if not open_slots:
            break
        if not eligible(content, channel):
            continue
        for number in sorted(open_slots):
            spec = specs[number]
            if not spec.takes(content):
                continue
            filled[number].append(index)
            if len(filled[number]) == spec.size:
                open_slots.discard(number)
            break
    return filled
