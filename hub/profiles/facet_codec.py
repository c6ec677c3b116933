"""Facets as documents: compact, and with keys from outside as values, since those may hold dots and dollars.

Every stamp is written once, in `stamps`, and pointed at by its position: the twenty lines of an order
share one; order ids likewise. Purchase lines, of which a wholesaler has thousands, are packed as three
little-endian 32-bit integers each (stamp, quantity, order or -1).
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from hub.profiles.model import (
    ConsentRecord,
    ConsentState,
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

_SIGNAL_KINDS = {kind.value: kind for kind in SignalKind}
_SPELLED = {kind: kind.value for kind in SignalKind}
_SOURCES = {source.value: source for source in Source}


_LINE = 12  # bytes: three integers of 32 bits
_NO_ORDER = -1
_new_stamp: Callable[[Any], Stamp] = partial(tuple.__new__, Stamp)
_new_signal: Callable[[Any], Signal] = partial(tuple.__new__, Signal)
_new_line: Callable[[Any], PurchaseLine] = partial(tuple.__new__, PurchaseLine)


class _Positions(dict[Any, int]):
    """Things in the order of their first use, which gives each its position."""

    def __missing__(self, thing: Any) -> int:
        self[thing] = position = len(self)
        return position


_At = Callable[[Stamp], int]


def facet_to_document(facet: Facet) -> dict[str, Any]:
    """Return a facet as a document; equal facets give equal documents."""
    stamps, orders = _Positions(), _Positions()
    at: _At = stamps.__getitem__
    document: dict[str, Any] = {
        "signals": [[at(stamp), _SPELLED[kind], key, text] for stamp, kind, key, text in facet.signals],
        "purchases": _packed(facet.purchases, at, orders),
        "carts": [[key, inside, at(stamp)] for key, (inside, stamp) in sorted(facet.carts.items())],
        "feedback": [[key, kind.value, at(stamp)] for key, (kind, stamp) in sorted(facet.feedback.items())],
        "identities": [
            [i.type, i.value, i.verified, i.first_seen_at] for _, i in sorted(facet.identities.items())
        ],
        "traits": _facts(facet.traits, at),
        "preferences": _facts(facet.preferences, at),
        "names": _facts(facet.names, at),
        "consents": [
            [key, c.state.value, at(c.stamp), c.source, c.policy_version, c.proof, c.signal]
            for key, c in sorted(facet.consents.items())
        ],
        "void_orders": [[key, at(stamp)] for key, stamp in sorted(facet.void_orders.items())],
        "disowned": [[key, at(stamp)] for key, stamp in sorted(facet.disowned.items())],
        "tickets": [[t.id, at(t.stamp), *t[2:]] for _, t in sorted(facet.tickets.items())],
        "first_seen_at": facet.first_seen_at,
        "last_seen_at": facet.last_seen_at,
    }
    document["stamps"] = [list(stamp) for stamp in stamps]
    document["orders"] = list(orders)
    return document


def _packed(
    purchases: Mapping[str, Sequence[PurchaseLine]], at: _At, orders: _Positions
) -> list[list[str | bytes]]:
    """Return the lines of each content, packed. All are packed in one go and cut apart, not one by one."""
    keys = sorted(purchases)
    lines = list(chain.from_iterable(map(purchases.__getitem__, keys)))
    if not lines:
        return []
    made, quantities, ordered = zip(*lines, strict=True)
    places = [_NO_ORDER if order is None else orders[order] for order in ordered]
    numbers = chain.from_iterable(zip(map(at, made), quantities, places, strict=True))
    packed = struct.pack(f"<{3 * len(lines)}i", *numbers)
    found: list[list[str | bytes]] = []
    start = 0
    for key in keys:
        end = start + _LINE * len(purchases[key])
        found.append([key, packed[start:end]])
        start = end
    return found


def _unpacked(
    purchases: Sequence[tuple[str, bytes]], stamps: Sequence[Stamp], orders: Sequence[str | None]
) -> dict[str, tuple[PurchaseLine, ...]]:
    packed = b"".join([lines for _, lines in purchases])
    numbers = struct.unpack(f"<{len(packed) // 4}i", packed)
    made = map(stamps.__getitem__, numbers[0::3])
    ordered = map(orders.__getitem__, numbers[2::3])
    lines = list(map(_new_line, zip(made, numbers[1::3], ordered, strict=True)))
    found = {}
    start = 0
    for key, part in purchases:
        end = start + len(part) // _LINE
        found[key] = tuple(lines[start:end])
        start = end
    return found


def _facts(facts: Mapping[str, Fact], at: _At) -> list[list[Any]]:
    return [[key, fact.value, fact.source.value, at(fact.stamp)] for key, fact in sorted(facts.items())]


def facet_from_document(document: Mapping[str, Any]) -> Facet:
    """Return the facet that a document holds."""
    stamps = list(map(_new_stamp, document["stamps"]))
    orders: list[str | None] = [*document["orders"], None]  # so that _NO_ORDER, the last, is None

    def facts(name: str) -> dict[str, Fact]:
        return {key: Fact(value, _SOURCES[source], stamps[s]) for key, value, source, s in document[name]}

    return Facet(
        identities={
            f"{kind}:{value}": Identity(kind, value, verified, seen)
            for kind, value, verified, seen in document["identities"]
        },
        traits=facts("traits"),
        preferences=facts("preferences"),
        consents={
            key: ConsentRecord(ConsentState(state), stamps[s], *said)
            for key, state, s, *said in document["consents"]
        },
        feedback={key: (FeedbackKind(kind), stamps[s]) for key, kind, s in document["feedback"]},
        signals=tuple(
            [
                _new_signal((stamps[s], _SIGNAL_KINDS[kind], key, text))
                for s, kind, key, text in document["signals"]
            ]
        ),
        purchases=_unpacked(document["purchases"], stamps, orders),
        carts={key: (inside, stamps[s]) for key, inside, s in document["carts"]},
        void_orders={key: stamps[s] for key, s in document["void_orders"]},
        disowned={key: stamps[s] for key, s in document["disowned"]},
        names=facts("names"),
        # Facets of a release before tickets were kept have none.
        tickets={key: Ticket(key, stamps[s], *told) for key, s, *told in document.get("tickets", ())},
        first_seen_at=document["first_seen_at"],
        last_seen_at=document["last_seen_at"],
    )
