"""Profiles as documents, and what the store keeps beside the fold: how fresh it is, and where it went.

Written by hand: a profile is read with every experience, and mappings have keys from outside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.profiles.model import (
    Consent,
    ConsentState,
    Evidence,
    Fact,
    FeedbackKind,
    Identity,
    Interest,
    InterestKind,
    Ownership,
    Profile,
    Purpose,
    Signal,
    SignalKind,
    Source,
    Stamp,
    Ticket,
)
from hub.store.codecs import vector_from_bson, vector_to_bson

_SIGNAL_KINDS = {kind.value: kind for kind in SignalKind}
FOLD = (
    2  # which way of folding made a profile; one that was made in another way is folded anew when it is read
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the store knows of a profile beside its fold.

    `folded` are the versions of the facets that went into it; `stale` says that events came since, and `folding`
    that somebody began to fold them (docs/decisions/0142); `made_by` is the way of folding that made it (`FOLD`);
    `merged_into` is where a merged-away profile went, since `merged_at` and by the event `merged_by`.
    """

    id: str
    version: int = 0
    former_ids: tuple[str, ...] = ()
    folded: Mapping[str, int] | None = None
    stale: bool = False
    folding: bool = False
    encoder_id: str = ""
    catalogue_version: str = ""
    unplaced: bool = False
    made_by: int = 1
    merged_into: str | None = None
    merged_at: datetime | None = None
    merged_by: str = ""


HEADER_FIELDS = (
    "version", "former_ids", "folded", "stale", "folding", "encoder_id", "catalogue_version", "unplaced",
    "made_by", "merged_into", "merged_at", "merged_by",
)  # fmt: skip


def header_from_document(document: Mapping[str, Any]) -> Header:
    """Return the header of a profile's document."""
    folded = document.get("folded")
    return Header(
        id=document["_id"],
        version=document["version"],
        former_ids=tuple(document.get("former_ids", ())),
        folded=None if folded is None else dict(folded),
        stale=document.get("stale", False),
        folding=document.get("folding", False),
        encoder_id=document.get("encoder_id", ""),
        catalogue_version=document.get("catalogue_version", ""),
        unplaced=document.get("unplaced", False),
        made_by=document.get("made_by", 1),
        merged_into=document.get("merged_into"),
        merged_at=document.get("merged_at"),
        merged_by=document.get("merged_by", ""),
    )


def profile_to_document(
    profile: Profile, *, folded: Mapping[str, int], catalogue_version: str, unplaced: bool
) -> dict[str, Any]:
    """Return a profile as a document, with the versions of the facets that it was folded from."""
    return {
        "_id": profile.id,
        "version": profile.version,
        "facet_ids": list(profile.facet_ids),
        "former_ids": list(profile.former_ids),
        "folded": sorted([key, version] for key, version in folded.items()),
        "stale": False,
        "encoder_id": profile.encoder_id,
        "catalogue_version": catalogue_version,
        "unplaced": unplaced,
        "made_by": FOLD,
        "identities": [[i.type, i.value, i.verified, i.first_seen_at] for i in profile.identities],
        "traits": _facts(profile.traits),
        "preferences": _facts(profile.preferences),
        "consents": [
            [c.purpose.value, c.channel, c.state.value, c.updated_at, c.source, c.policy_version, c.proof]
            for c in profile.consents
        ],
        "interests": [_interest(interest) for interest in profile.interests],
        "feedback": [[key, kind.value] for key, kind in profile.feedback.items()],
        "owned": [[key, o.count, o.first_at, o.last_at, o.days] for key, o in profile.owned.items()],
        "cart": list(profile.cart),
        "tickets": [[t.id, *t.stamp, *t[2:]] for t in profile.tickets],
        "recent": [
            [s.stamp.at, s.stamp.message_id, s.kind.value, s.content_key, s.text] for s in profile.recent
        ],
        "text_vectors": [[text, vector_to_bson(vector)] for text, vector in profile.text_vectors.items()],
        "first_seen_at": profile.first_seen_at,
        "last_seen_at": profile.last_seen_at,
    }


def refusing(purpose: Purpose) -> dict[str, Any]:
    """Return the filter for documents of customers who refused a purpose, on whichever channel."""
    return {"consents": {"$elemMatch": {"0": purpose.value, "2": ConsentState.DENIED.value}}}


def _facts(facts: Mapping[str, Fact]) -> list[list[Any]]:
    return [
        [key, fact.value, fact.source.value, fact.stamp.at, fact.stamp.message_id]
        for key, fact in facts.items()
    ]


def _interest(interest: Interest) -> dict[str, Any]:
    return {
        "id": interest.id,
        "kind": interest.kind.value,
        "label": interest.label,
        "weight": interest.weight,
        "vector": vector_to_bson(interest.vector),
        "evidence": [[e.content_key, e.at, e.event_id, e.text, e.times] for e in interest.evidence],
        "subjects": list(interest.subjects),
    }


def profile_from_document(document: Mapping[str, Any]) -> Profile:
    """Return the profile that a document holds."""
    return Profile(
        id=document["_id"],
        version=document["version"],
        facet_ids=tuple(document["facet_ids"]),
        former_ids=tuple(document["former_ids"]),
        encoder_id=document["encoder_id"],
        identities=tuple(Identity(*one) for one in document["identities"]),
        traits=_facts_from(document["traits"]),
        preferences=_facts_from(document["preferences"]),
        consents=tuple(
            Consent(Purpose(purpose), channel, ConsentState(state), *said)
            for purpose, channel, state, *said in document["consents"]
        ),
        interests=tuple(_interest_from(one) for one in document["interests"]),
        feedback={key: FeedbackKind(kind) for key, kind in document["feedback"]},
        owned={key: Ownership(*known) for key, *known in document["owned"]},
        cart=tuple(document["cart"]),
        tickets=tuple(
            Ticket(id_, Stamp(at, message_id), *told)
            for id_, at, message_id, *told in document.get("tickets", ())
        ),
        recent=tuple(
            Signal(Stamp(at, message_id), _SIGNAL_KINDS[kind], key, text)
            for at, message_id, kind, key, text in document["recent"]
        ),
        text_vectors={text: vector_from_bson(vector) for text, vector in document["text_vectors"]},
        first_seen_at=document["first_seen_at"],
        last_seen_at=document["last_seen_at"],
    )


def _facts_from(facts: Sequence[Sequence[Any]]) -> dict[str, Fact]:
    return {
        key: Fact(value, Source(source), Stamp(at, message_id))
        for key, value, source, at, message_id in facts
    }


def _interest_from(document: Mapping[str, Any]) -> Interest:
    return Interest(
        id=document["id"],
        kind=InterestKind(document["kind"]),
        label=document["label"],
        weight=document["weight"],
        vector=vector_from_bson(document["vector"]),
        evidence=tuple(_evidence_from(one) for one in document["evidence"]),
        subjects=tuple(document["subjects"]),
    )


def _evidence_from(one: Any) -> Evidence:
    if isinstance(one, list):
        return Evidence(*one)
    return Evidence(one["content_key"], one["at"])  # as it was kept by folds before `FOLD` 2
