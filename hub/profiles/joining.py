"""Joins of a facet's fields: each commutative, associative, idempotent, so that the whole is.

register    of several statements the greatest by (rank, instant, message, spelling) is kept
latest      a set cut to its latest members: what fell out could never come back in
identity    first seen at the earliest, verified if ever

Everything is bounded, so that nobody's flood makes a facet that the store cannot take (16 MB), nor one
visit that all before it is forgotten. A cut is a join too: it keeps the greatest by an order in which
whatever is joined can only rise. See docs/decisions/0039.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hub.kit.canonical import canonical
from hub.profiles.model import (
    ConsentRecord,
    Facet,
    Fact,
    FeedbackKind,
    Identity,
    PurchaseLine,
    Signal,
    SignalKind,
    Source,
    Stamp,
    Ticket,
)

T = TypeVar("T")
MOST_SIGNALS = 300
MOST_OF_A_DAY = 50  # signals kept of one day (UTC), orders not counted
MOST_LINES = 8  # purchases kept of one content
MOST_BOUGHT = 3_000  # contents of which purchases are kept
MOST_FACTS = 300  # traits, preferences
MOST_SAID = 2_000  # contents with feedback
MOST_KEPT = 1_000  # of each of the others: carts, orders undone, what was disowned or named, identities
DAY = timedelta(days=1)
ORDERED = frozenset({SignalKind.PURCHASED, SignalKind.REFUNDED})
FEW = 8  # so many times longer is a long history than what is added to it one by one

_RANK = {Source.DECLARED: 2, Source.OBSERVED: 1, Source.INFERRED: 0}


def fact_order(fact: Fact) -> tuple[Any, ...]:
    """Order facts so that the greatest is in force: declared beats inferred, later beats earlier."""
    return (_RANK[fact.source], fact.stamp.at, fact.stamp.message_id, canonical(fact.value))


def consent_order(record: ConsentRecord) -> tuple[Any, ...]:
    """Order what one cluster of identities said about consent: the later is in force; of equals DENIED.

    Whatever the customer said stands above what a browser signals by itself.
    """
    strict = {"DENIED": 2, "UNKNOWN": 1, "GRANTED": 0}[record.state.value]
    at, said = record.stamp.at, (record.source, record.policy_version, record.proof)
    return (not record.signal, at, record.stamp.message_id, strict, *said)


def signal_order(signal: Signal) -> tuple[Any, ...]:
    """Order signals by when they were made."""
    stamp, kind, content_key, text = signal
    return (*stamp, kind, content_key or "", text or "")  # a kind is a text


def line_order(line: PurchaseLine) -> tuple[Any, ...]:
    """Order purchase lines by when they were made."""
    stamp, quantity, order_id = line
    return (*stamp, quantity, order_id or "")


def _stamp_order(stamp: Stamp) -> tuple[Any, ...]:
    return stamp


def _feedback_order(told: tuple[FeedbackKind, Stamp]) -> tuple[Any, ...]:
    return (told[1].at, told[1].message_id, told[0].value)


def _cart_order(told: tuple[bool, Stamp]) -> tuple[Any, ...]:
    return (told[1].at, told[1].message_id, not told[0])


def _ticket_order(told: Ticket) -> tuple[Any, ...]:
    return (*told.stamp, not told.is_open, told.complaint, told.about)


def registers(
    maps: Sequence[Mapping[str, T]], order: Callable[[T], tuple[Any, ...]], most: int | None = None
) -> Mapping[str, T]:
    """Join maps of registers: of each key the greatest, and of all keys those with the `most` greatest."""
    joined = dict(maps[0]) if maps else {}
    for one in maps[1:]:
        for key, value in one.items():
            before = joined.get(key)
            if before is None or (before is not value and order(value) > order(before)):
                joined[key] = value
    return joined if most is None else greatest(joined, order, most)


def greatest(registers: dict[str, T], order: Callable[[T], tuple[Any, ...]], most: int) -> Mapping[str, T]:
    """Cut a map of registers to those of the greatest values; of equals by key."""
    if len(registers) <= most:
        return registers
    places = sorted(registers, key=lambda key: (order(registers[key]), key))
    return {key: registers[key] for key in places[-most:]}


def latest(sets: Sequence[Sequence[T]], order: Callable[[T], tuple[Any, ...]], most: int) -> tuple[T, ...]:
    """Join sets by union, cut to the latest `most`, oldest first.

    Args:
        sets: each in order, without repeats.
        order: a total order; what is equal by it is equal.
        most: how many are kept.
    """
    longest = max(sets, key=len)
    added = sum(map(len, sets)) - len(longest)
    if added * FEW < len(longest):
        # A few join many: each finds its place by halving, so that a long history is not walked anew.
        joined = list(longest)
        for one in sets:
            if one is longest:
                continue
            for member in one:
                place = order(member)
                at = bisect_left(joined, place, key=order)
                if at == len(joined) or order(joined[at]) != place:
                    joined.insert(at, member)
        return tuple(joined[-most:])
    unique = {order(member): member for one in sets for member in one}
    return tuple([unique[place] for place in sorted(unique)[-most:]])


def signals_of(sets: Sequence[Sequence[Signal]]) -> tuple[Signal, ...]:
    """Join signals: of each day the latest `MOST_OF_A_DAY` beside its orders, and of these the latest.

    So one visit, however long, pushes out no more than that of what was kept before it. Each set is cut
    already, so that only days on which several have something can be over.
    """
    longest = max(sets, key=len)
    joined = latest(sets, signal_order, MOST_SIGNALS + sum(map(len, sets)))
    for day in {_day(signal) for one in sets if one is not longest for signal in one}:
        start, end = (
            bisect_left(joined, instant, key=lambda signal: signal.stamp.at) for instant in (day, day + DAY)
        )
        looks = [signal for signal in joined[start:end] if signal.kind not in ORDERED]
        if len(looks) > MOST_OF_A_DAY:
            first = signal_order(looks[-MOST_OF_A_DAY])
            kept = [
                signal
                for signal in joined[start:end]
                if signal.kind in ORDERED or signal_order(signal) >= first
            ]
            joined = (*joined[:start], *kept, *joined[end:])
    return joined[-MOST_SIGNALS:]


def _day(signal: Signal) -> datetime:
    return signal.stamp.at.replace(hour=0, minute=0, second=0, microsecond=0)


def _identities(maps: Sequence[Mapping[str, Identity]]) -> Mapping[str, Identity]:
    joined: dict[str, Identity] = {}
    for one in maps:
        for key, identity in one.items():
            before = joined.get(key)
            if before is not None and before != identity:
                identity = Identity(  # noqa: PLW2901 - the join of the two takes its place
                    identity.type,
                    identity.value,
                    before.verified or identity.verified,
                    min(before.first_seen_at, identity.first_seen_at),
                )
            joined[key] = identity
    if len(joined) <= MOST_KEPT:
        return joined
    # Those seen first: an identity can only be found to have been seen earlier, so that none comes back.
    return {
        key: joined[key] for key in sorted(joined, key=lambda k: (joined[k].first_seen_at, k))[:MOST_KEPT]
    }


def _purchases(
    maps: Sequence[Mapping[str, tuple[PurchaseLine, ...]]],
) -> Mapping[str, tuple[PurchaseLine, ...]]:
    # Contents that only one facet speaks of keep their lines as they are: a long history is not walked anew.
    joined = dict(maps[0])
    more: dict[str, list[tuple[PurchaseLine, ...]]] = {}
    for one in maps[1:]:
        for key, lines in one.items():
            if key in joined:
                more.setdefault(key, []).append(lines)
            else:
                joined[key] = lines
    for key, added in more.items():
        joined[key] = latest([joined[key], *added], line_order, MOST_LINES)
    return greatest(joined, lambda lines: line_order(lines[-1]), MOST_BOUGHT)


def join_all(facets: Sequence[Facet]) -> Facet:
    """Return the least facet that holds everything the facets hold."""
    if len(facets) == 1:
        return facets[0]
    signals = [one.signals for one in facets if one.signals]
    seen = [at for one in facets for at in (one.first_seen_at, one.last_seen_at) if at is not None]
    return Facet(
        identities=_identities([one.identities for one in facets]),
        traits=registers([one.traits for one in facets], fact_order, MOST_FACTS),
        preferences=registers([one.preferences for one in facets], fact_order, MOST_FACTS),
        consents=registers([one.consents for one in facets], consent_order),
        feedback=registers([one.feedback for one in facets], _feedback_order, MOST_SAID),
        signals=signals_of(signals) if len(signals) > 1 else (signals[0] if signals else ()),
        purchases=_purchases([one.purchases for one in facets]),
        carts=registers([one.carts for one in facets], _cart_order, MOST_KEPT),
        void_orders=registers([one.void_orders for one in facets], _stamp_order, MOST_KEPT),
        disowned=registers([one.disowned for one in facets], _stamp_order, MOST_KEPT),
        names=registers([one.names for one in facets], fact_order, MOST_KEPT),
        tickets=registers([one.tickets for one in facets], _ticket_order, MOST_KEPT),
        first_seen_at=min(seen, default=None),
        last_seen_at=max(seen, default=None),
    )
