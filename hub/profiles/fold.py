"""The fold: from the facets of one customer to the profile. Pure, and the order of facets is nothing to it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from hub.profiles.consents import consents_of
from hub.profiles.interests import interests_of
from hub.profiles.joining import join_all
from hub.profiles.knowledge import Knowledge
from hub.profiles.model import (
    Facet,
    Fact,
    Identity,
    LinkedFacet,
    Ownership,
    Profile,
    PurchaseLine,
    SignalKind,
    Ticket,
)

MOST_RECENT = 100  # signals kept in the profile itself
MOST_IN_CART = 100
MOST_TICKETS = 20
MOST_TEXT_VECTORS = 8


def fold(
    id: str,  # noqa: A002 - the profile's own word for it
    version: int,
    facets: Sequence[LinkedFacet],
    knowledge: Knowledge,
    *,
    former_ids: Sequence[str] = (),
) -> Profile:
    """Return the profile of one customer.

    Args:
        id: the profile's id.
        version: the version that the folded profile is to bear.
        facets: all of the customer's, in any order.
        knowledge: vectors and titles, of one encoder.
        former_ids: ids of profiles that were linked into this one.
    """
    whole = join_all([linked.facet for linked in facets]) if facets else Facet()
    owned = _owned(whole)
    return Profile(
        id=id,
        version=version,
        facet_ids=tuple(sorted(linked.id for linked in facets)),
        former_ids=tuple(sorted(former_ids)),
        encoder_id=knowledge.encoder_id,
        identities=_identities(whole, facets),
        traits=_in_force(whole.traits),
        preferences=_in_force(whole.preferences),
        consents=consents_of(facets),
        interests=interests_of(id, whole, owned, knowledge),
        feedback={key: kind for key, (kind, _) in sorted(whole.feedback.items())},
        owned=owned,
        cart=_cart(whole),
        tickets=_open_tickets(whole),
        recent=whole.signals[-MOST_RECENT:],
        text_vectors=_text_vectors(whole, knowledge),
        first_seen_at=whole.first_seen_at,
        last_seen_at=whole.last_seen_at,
    )


def unplaced(facets: Sequence[LinkedFacet], knowledge: Knowledge) -> bool:
    """Tell whether facets speak of contents or words that have no vector (yet)."""
    signals = [signal for linked in facets for signal in linked.facet.signals]
    keys = {signal.content_key for signal in signals if signal.content_key is not None}
    if any(knowledge.vector(key) is None for key in keys):
        return True
    searched = {signal.text or "" for signal in signals if signal.kind is SignalKind.SEARCHED}
    return any(knowledge.text_vector(text) is None for text in searched)


def _in_force(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {key: fact for key, fact in sorted(facts.items()) if fact.value is not None}


def _identities(whole: Facet, facets: Sequence[LinkedFacet]) -> tuple[Identity, ...]:
    found = dict(whole.identities)
    for linked in facets:
        primary = linked.primary
        seen = linked.facet.first_seen_at or linked.linked_at
        if primary.key not in found and seen is not None:
            found[primary.key] = Identity(primary.type, primary.value, primary.type == "user_id", seen)
    return tuple(found[key] for key in sorted(found))


def active_lines(facet: Facet, key: str) -> Sequence[PurchaseLine]:
    """Return the purchase lines of a content that were not undone with their whole order.

    What went back of an order in which it was a gift (a line of no pieces) was never the customer's own.
    """
    lines: Sequence[PurchaseLine] = facet.purchases.get(key, ())
    gifts = {line.order_id for line in lines if line.quantity == 0 and line.order_id is not None}
    if gifts:
        lines = [line for line in lines if line.quantity > 0 or line.order_id not in gifts]
    if not facet.void_orders:
        return lines
    return [line for line in lines if line.order_id not in facet.void_orders]


def _owned(whole: Facet) -> dict[str, Ownership]:
    owned = {}
    for key in sorted(whole.purchases):
        count, first, last = 0, None, None
        days = set()
        for stamp, quantity, _ in active_lines(whole, key):
            count += quantity
            if quantity > 0:
                last = stamp.at  # lines are oldest first
                first = first or last
                days.add(last.date())
        if count > 0 and first is not None and last is not None:
            owned[key] = Ownership(count, first, last, len(days))
    return owned


def _cart(whole: Facet) -> tuple[str, ...]:
    """Return what lies in the cart, in the order in which it was put there."""
    inside: list[tuple[datetime, str, str]] = []
    for key, (is_in, stamp) in whole.carts.items():
        bought = [line.stamp for line in active_lines(whole, key) if line.quantity > 0]
        if is_in and (not bought or max(bought) < stamp):
            inside.append((stamp.at, stamp.message_id, key))
    return tuple(key for _, _, key in sorted(inside)[-MOST_IN_CART:])


def _open_tickets(whole: Facet) -> tuple[Ticket, ...]:
    """Return what is open at the service, oldest first."""
    waiting = [ticket for ticket in whole.tickets.values() if ticket.is_open]
    return tuple(sorted(waiting, key=lambda ticket: (ticket.stamp, ticket.id))[-MOST_TICKETS:])


def _text_vectors(whole: Facet, knowledge: Knowledge) -> dict[str, NDArray[np.float32]]:
    searched = dict.fromkeys(signal.text for signal in reversed(whole.signals[-MOST_RECENT:]) if signal.text)
    found = {}
    for text in list(searched)[:MOST_TEXT_VECTORS]:
        vector = knowledge.text_vector(text)
        if vector is not None:
            found[text] = vector
    return found
