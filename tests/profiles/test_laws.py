"""Law 4 of the design: facets fold in any order."""

import random
from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Any

import numpy as np
from bson import decode, encode
from bson.codec_options import CodecOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embeddings.labels import Labeller
from hub.events.model import Event
from hub.kit.canonical import canonical
from hub.profiles.facet_codec import facet_from_document, facet_to_document
from hub.profiles.facets import MOST_LINES, MOST_SIGNALS, join, join_all, project
from hub.profiles.fold import fold
from hub.profiles.knowledge import SnapshotKnowledge, naming, texts_of
from hub.profiles.model import CustomerRef, Facet, Link, LinkedFacet, Profile
from hub.profiles.profile_codec import profile_from_document, profile_to_document
from tests.builders import NOW, text_vector
from tests.profiles.rooms import small_shop, track
from tests.profiles.strategies import EVENTS, FACETS, parsed

AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)
laws = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
SHOP = small_shop()
LABELLER = Labeller.fit([naming(content) for content in SHOP.contents])


def knowledge(facets: Sequence[Facet]) -> SnapshotKnowledge:
    return SnapshotKnowledge(SHOP, {text: text_vector(text) for text in texts_of(facets)}, LABELLER)


def linked(facet: Facet, name: str = "mia", *, linked_hours_ago: int | None = None) -> LinkedFacet:
    return LinkedFacet(
        id=f"fct_{name}",
        version=1,
        profile_id="prf_1",
        primary=CustomerRef("user_id", name),
        facet=facet,
        links=()
        if linked_hours_ago is None
        else (Link(NOW - timedelta(hours=linked_hours_ago), "m0", "prf_0"),),
    )


def spelled(profile: Profile) -> bytes:
    """A profile as bytes, vectors and all."""
    return encode(profile_to_document(profile, folded={}, catalogue_version="", unplaced=False))


@laws
@given(FACETS, FACETS)
def test_joining_is_commutative(a: Facet, b: Facet) -> None:
    assert join(a, b) == join(b, a)


@laws
@given(FACETS, FACETS, FACETS)
def test_joining_is_associative(a: Facet, b: Facet, c: Facet) -> None:
    assert join(join(a, b), c) == join(a, join(b, c)) == join_all([c, a, b])


@laws
@given(FACETS)
def test_joining_is_idempotent(a: Facet) -> None:
    assert join(a, a) == a


@laws
@given(FACETS, FACETS)
def test_joining_only_ever_adds(a: Facet, b: Facet) -> None:
    joined = join(a, b)
    assert join(joined, a) == joined == join(joined, b)


@laws
@given(st.lists(EVENTS, min_size=1, max_size=12), st.randoms())
def test_events_late_twice_and_in_any_order_give_the_same_facet(
    events: list[Event], chance: random.Random
) -> None:
    straight = join_all([project(event) for event in events])
    shuffled = [*events, *chance.choices(events, k=len(events))]
    chance.shuffle(shuffled)
    kept = Facet()
    for event in shuffled:
        kept = join(kept, project(event))
    assert kept == straight


@laws
@given(FACETS)
def test_a_facet_survives_the_store(facet: Facet) -> None:
    document = encode(facet_to_document(facet))
    assert facet_from_document(decode(document, codec_options=AWARE)) == facet


@laws
@given(st.lists(FACETS, min_size=1, max_size=3), st.randoms(), st.integers(0, 6))
def test_the_fold_does_not_depend_on_the_order_of_facets(
    facets: list[Facet], chance: random.Random, hours: int
) -> None:
    parts = [linked(f, f"u{i}", linked_hours_ago=hours if i else None) for i, f in enumerate(facets)]
    known = knowledge(facets)
    one = fold("prf_1", 1, parts, known)
    chance.shuffle(parts)
    assert spelled(fold("prf_1", 1, parts, known)) == spelled(one)


@laws
@given(FACETS)
def test_a_profile_survives_the_store(facet: Facet) -> None:
    profile = fold("prf_1", 1, [linked(facet)], knowledge([facet]))
    read = profile_from_document(decode(spelled(profile), codec_options=AWARE))
    assert spelled(read) == spelled(profile)
    assert canonical([i.label for i in read.interests]) == canonical([i.label for i in profile.interests])


@laws
@given(FACETS)
def test_interests_are_directions_whose_weights_sum_to_one(facet: Facet) -> None:
    profile = fold("prf_1", 1, [linked(facet)], knowledge([facet]))
    for kind in {interest.kind for interest in profile.interests}:
        weights = [interest.weight for interest in profile.interests if interest.kind is kind]
        assert abs(sum(weights) - 1) < 1e-5
    for interest in profile.interests:
        assert abs(float(np.linalg.norm(interest.vector)) - 1) < 1e-5
    ids = [interest.id for interest in profile.interests]
    assert len(set(ids)) == len(ids)


def test_what_is_kept_is_bounded_and_joins_all_the_same() -> None:
    events = [
        parsed(
            track(
                "Order Completed",
                ago=n / 60,
                id=f"m{n:05}",
                products=[{"sku": "rye-bread"}, {"sku": "desk-lamp"}],
            )
        )
        for n in range(MOST_SIGNALS)
    ]
    parts = [project(event) for event in events]
    random.Random(7).shuffle(parts)
    halves = join(join_all(parts[:100]), join_all(parts[50:]))
    whole = join_all(parts)
    one_by_one = Facet()
    for part in parts:
        one_by_one = join(one_by_one, part)
    assert halves == whole == one_by_one
    assert len(whole.signals) == MOST_SIGNALS
    assert {len(lines) for lines in whole.purchases.values()} == {MOST_LINES}
    assert max(s.stamp.at for s in whole.signals) == NOW
