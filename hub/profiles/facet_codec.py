"""Facets as documents: compact, and with keys from outside as values, since those may hold dots and dollars.

Every stamp is written once, in `stamps`, and pointed at by its position: the twenty lines of an order
share one; order ids likewise. Purchase lines, of which a wholesaler has thousands, are packed as three
little-endian 32-bit integers each (stamp, quantity, order or -1).
"""

import struct
from collections.abc import Mapping, Sequence
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
)

_SIGNAL_KINDS = {kind.value: kind for kind in SignalKind}
_SOURCES = {source.value: source for source in Source}


_LINE = struct.Struct("<iii")
_NO_ORDER = -1


class _Stamps:
    """Stamps in the order of their first use."""

    def __init__(self) -> None:
        self.positions: dict[tuple[Any, str], int] = {}

    def __call__(self, stamp: Stamp) -> int:
        return self.positions.setdefault((stamp.at, stamp.message_id), len(self.positions))


def facet_to_document(facet: Facet) -> dict[str, Any]:
    """Return a facet as a document; equal facets give equal documents."""
    at = _Stamps()
    orders: dict[str, int] = {}
    document: dict[str, Any] = {
        "signals": [[at(s.stamp), s.kind.value, s.content_key, s.text] for s in facet.signals],
        "purchases": [[key, _packed(lines, at, orders)] for key, lines in sorted(facet.purchases.items())],
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
        "first_seen_at": facet.first_seen_at,
        "last_seen_at": facet.last_seen_at,
    }
    document["stamps"] = [list(position) for position in at.positions]
    document["orders"] = list(orders)
    return document


def _packed(lines: Sequence[PurchaseLine], at: _Stamps, orders: dict[str, int]) -> bytes:
    numbers = [
        (
            at(line.stamp),
            line.quantity,
            _NO_ORDER if line.order_id is None else orders.setdefault(line.order_id, len(orders)),
        )
        for line in lines
    ]
    return struct.pack(f"<{3 * len(numbers)}i", *chain.from_iterable(numbers))


def _lines(packed: bytes, stamps: Sequence[Stamp], orders: Sequence[str | None]) -> tuple[PurchaseLine, ...]:
    return tuple(
        [
            PurchaseLine(stamps[stamp], quantity, orders[order])
            for stamp, quantity, order in _LINE.iter_unpack(packed)
        ]
    )


def _facts(facts: Mapping[str, Fact], at: _Stamps) -> list[list[Any]]:
    return [[key, fact.value, fact.source.value, at(fact.stamp)] for key, fact in sorted(facts.items())]


def facet_from_document(document: Mapping[str, Any]) -> Facet:
    """Return the facet that a document holds."""
    stamps = [Stamp(at, message_id) for at, message_id in document["stamps"]]
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
            Signal(stamps[s], _SIGNAL_KINDS[kind], key, text) for s, kind, key, text in document["signals"]
        ),
        purchases={key: _lines(packed, stamps, orders) for key, packed in document["purchases"]},
        carts={key: (inside, stamps[s]) for key, inside, s in document["carts"]},
        void_orders={key: stamps[s] for key, s in document["void_orders"]},
        disowned={key: stamps[s] for key, s in document["disowned"]},
        names=facts("names"),
        first_seen_at=document["first_seen_at"],
        last_seen_at=document["last_seen_at"],
    )
