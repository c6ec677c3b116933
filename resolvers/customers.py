"""Customers: found, and taken apart for the schema's fields."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.auth.model import Scope
from hub.catalogue.model import Content
from hub.consent.gate import Standing, standing
from hub.decisions.model import Channel, MixRequest, RankedItem
from hub.errors import InvalidInput, NotFound
from hub.events.names import TimelineKind
from hub.insights.similar import SimilarGroup
from hub.kit.pages import Page
from hub.layers.base import Layer
from hub.layers.mix import SWITCH, switched_off
from hub.profiles.consents import EVERY
from hub.profiles.model import CustomerRef, Evidence, Fact, FeedbackKind, Interest, Profile, Source
from hub.profiles.needs import NeedState
from hub.profiles.timeline import TimelineEntry
from resolvers import access
from resolvers.context import Context
from resolvers.globalids import to_global
from resolvers.pages import page

SHOWCASE = "home"  # the scenario on which a layer's effect is shown
FIRST_ITEMS = 12


@dataclass(frozen=True, slots=True)
class KeyedFact:
    """A trait or preference with its name."""

    key: str
    value: Any
    source: Source
    updated_at: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class GivenFeedback:
    """What a customer thinks of one content, which may have left the catalogue."""

    content_key: str
    kind: FeedbackKind
    content: Content | None


@dataclass(frozen=True, slots=True)
class SwitchedLayer:
    """A layer as it is switched for one customer, and what it does to their home page."""

    layer: Layer
    enabled: bool
    effect: str


async def customer(context: Context, ref: CustomerRef, at: datetime | None = None) -> Profile | None:
    """Return the customer who is meant, as they were at `at` or are now; None if the hub had not seen them.

    Raises:
        Forbidden: if the caller is no agent.
        InvalidInput: if `at` lies ahead.
    """
    access.need(context, Scope.AGENT, doing="reading a customer")
    if at is not None:
        if at > context.at:
            raise InvalidInput(
                "this instant lies ahead; leave it out for the customer as they are now", path=("at",)
            )
        return await context.services.profiles.as_of(ref, at)
    return await context.find(ref)


async def viewer(context: Context) -> Profile | None:
    """Return the customer whom the caller's token names, None without a token.

    Raises:
        Forbidden: if the key may read nothing.
    """
    access.need(context, *access.READERS, doing="reading a customer")
    own = context.caller.customer
    return None if own is None else await context.find(own)


def traits(profile: Profile) -> list[KeyedFact]:
    """Return the traits by key."""
    return _facts(profile.traits)


def preferences(profile: Profile) -> list[KeyedFact]:
    """Return the preferences by key, but those by which layers are switched."""
    wishes = {key: fact for key, fact in profile.preferences.items() if not key.startswith(SWITCH)}
    return [fact for fact in _facts(wishes) if fact.value is not None]


def _facts(facts: Mapping[str, Fact]) -> list[KeyedFact]:
    return [
        KeyedFact(
            key,
            fact.value,
            fact.source,
            fact.stamp.at,
            to_global("TimelineEntry", fact.stamp.message_id),
        )
        for key, fact in sorted(facts.items())
    ]


def interests(profile: Profile, first: int, after: str | None) -> Page[Interest]:
    """Return a page of the interests, those wanted before those avoided, each strongest first.

    Raises:
        InvalidInput: if `first` or `after` is impossible.
    """
    ordered = sorted(profile.interests, key=lambda each: (each.kind == "AVOIDED", -each.weight, each.id))
    return page(ordered, first, after)


def evidence_content(context: Context, evidence: Evidence) -> Content | None:
    """Return the content behind a piece of evidence, None if it has left the catalogue."""
    return _content(context, evidence.content_key)


def feedback(
    context: Context, profile: Profile, first: int, after: str | None, kinds: Collection[FeedbackKind] | None
) -> Page[GivenFeedback]:
    """Return a page of what the customer said of contents, by their keys.

    Raises:
        InvalidInput: if `first` or `after` is impossible.
    """
    given = [
        GivenFeedback(key, kind, _content(context, key))
        for key, kind in sorted(profile.feedback.items())
        if kinds is None or kind in kinds
    ]
    return page(given, first, after)


def _content(context: Context, key: str) -> Content | None:
    snapshot = context.services.catalogue.snapshot
    row = snapshot.row(key)
    return None if row is None else snapshot.contents[row]


def consents(context: Context, profile: Profile) -> tuple[Standing, ...]:
    """Return what may be done with a customer's data, as the consent gate sees it."""
    return standing(profile, context.services.privacy.rules)


def consent_channel(consent: Standing) -> str | None:
    """Return the channel that a consent is about, None for every channel.

    It is no `Channel`: customers also say what may be done on channels that this hub does not serve.
    """
    return None if consent.channel == EVERY else consent.channel


def needs(context: Context, profile: Profile) -> Sequence[NeedState]:
    """Return what the customer's purchases did to their needs, as of now."""
    services = context.services
    return services.profiles.needs(profile, services.catalogue.snapshot, context.at)


async def timeline(
    context: Context,
    profile: Profile,
    first: int,
    after: str | None,
    kinds: Collection[TimelineKind] | None = None,
) -> Page[TimelineEntry]:
    """Return a page of what happened to the customer, newest first."""
    return await context.services.profiles.timeline(profile, first=first, after=after, kinds=kinds)


async def similar(context: Context, profile: Profile, first: int, after: str | None) -> Page[SimilarGroup]:
    """Return groups of customers who care about the same."""
    return await context.services.similar.similar(profile, first=first, after=after)


async def switches(context: Context, profile: Profile) -> list[SwitchedLayer]:
    """Return the layers as the customer switched them, each with its effect on their home page."""
    off = switched_off({key: fact.value for key, fact in profile.preferences.items()})
    items = await _home_page(context, profile)
    return [
        SwitchedLayer(layer, name not in off, _effect(name, items, enabled=name not in off))
        for name, layer in context.services.layers.items()
    ]


async def _home_page(context: Context, profile: Profile) -> tuple[RankedItem, ...]:
    try:
        shown = await context.services.experiences.assemble(
            CustomerRef("id", profile.id),
            channel=Channel.WEB,
            scenario=SHOWCASE,
            mix=MixRequest(),
            preview=True,
            at=None,
        )
    except NotFound:  # this brand has no home page
        return ()
    return shown.decision.ranking.first(FIRST_ITEMS)


def _effect(name: str, items: Sequence[RankedItem], *, enabled: bool) -> str:
    if not enabled:
        return "It is switched off and plays no part."
    parts = [part for item in items for part in item.why.contributions if part.layer == name]
    if not parts:
        return "It does not play on the home page right now."
    moved = sum(part.rank_before != part.rank_after for part in parts)
    brought = sum(part.rank_before > len(items) >= part.rank_after for part in parts)
    if not moved:
        return f"It changes nothing in the first {len(items)} items of the home page right now."
    first = f"It moves {moved} of the first {len(items)} items of the home page"
    if not brought:
        return f"{first}; all of them would be among the first {len(items)} without it too."
    return f"{first}; {brought} of them would not be among the first {len(items)} without it."
