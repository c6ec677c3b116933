"""Facets as documents: compact, and with keys from outside as values, since those may hold dots and dollars.

Every stamp is written once, in `stamps`, and pointed at by its position: the twenty lines of an order
share one. A facet of 300 signals takes some 20 KB and well under a millisecond to read.
"""

from collections.abc import Mapping
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


class _Stamps:
    """Stamps in the order of their first use."""

    def __init__(self) -> None:
        self.positions: dict[tuple[Any, str], int] = {}

    def __call__(self, stamp: Stamp) -> int:
        return self.positions.setdefault((stamp.at, stamp.message_id), len(self.positions))


def facet_to_document(facet: Facet) -> dict[str, Any]:
    """Return a facet as a document; equal facets give equal documents."""
    at = _Stamps()
    document: dict[str, Any] = {
        "signals": [[at(s.stamp), s.kind.value, s.content_key, s.text] for s in facet.signals],
        "purchases": [
            [key, [[at(line.stamp), line.quantity, line.order_id] for line in lines]]
            for key, lines in sorted(facet.purchases.items())
        ],
        "carts": [[key, inside, at(stamp)] for key, (inside, stamp) in sorted(facet.carts.items())],
        "feedback": [[key, kind.value, at(stamp)] for key, (kind, stamp) in sorted(facet.feedback.items())],
        "identities": [
            [i.type, i.value, i.verified, i.first_seen_at] for _, i in sorted(facet.identities.items())
        ],
        "traits": _facts(facet.traits, at),
        "preferences": _facts(facet.preferences, at),
        "names": _facts(facet.names, at),
        "consents": [
            [key, c.state.value, at(c.stamp), c.source, c.policy_version]
            for key, c in sorted(facet.consents.items())
        ],
        "void_orders": [[key, at(stamp)] for key, stamp in sorted(facet.void_orders.items())],
        "disowned": [[key, at(stamp)] for key, stamp in sorted(facet.disowned.items())],
        "first_seen_at": facet.first_seen_at,
        "last_seen_at": facet.last_seen_at,
    }
    document["stamps"] = [list(position) for position in at.positions]
    return document


def _facts(facts: Mapping[str, Fact], at: _Stamps) -> list[list[Any]]:
    return [[key, fact.value, fact.source.value, at(fact.stamp)] for key, fact in sorted(facts.items())]


def facet_from_document(document: Mapping[str, Any]) -> Facet:
    """Return the facet that a document holds."""
    stamps = [Stamp(at, message_id) for at, message_id in document["stamps"]]

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
            key: ConsentRecord(ConsentState(state), stamps[s], source, policy)
            for key, state, s, source, policy in document["consents"]
        },
        feedback={key: (FeedbackKind(kind), stamps[s]) for key, kind, s in document["feedback"]},
        signals=tuple(
            Signal(stamps[s], _SIGNAL_KINDS[kind], key, text) for s, kind, key, text in document["signals"]
        ),
        purchases={
            key: tuple(PurchaseLine(stamps[s], quantity, order_id) for s, quantity, order_id in lines)
            for key, lines in document["purchases"]
        },
        carts={key: (inside, stamps[s]) for key, inside, s in document["carts"]},
        void_orders={key: stamps[s] for key, s in document["void_orders"]},
        disowned={key: stamps[s] for key, s in document["disowned"]},
        names=facts("names"),
        first_seen_at=document["first_seen_at"],
        last_seen_at=document["last_seen_at"],
    )
