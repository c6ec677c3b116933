"""Builders: a test states what matters to it, the rest is believable.

Vectors are made of words, without a model: each word has a direction of its own, a text is their mean.
Texts that share words are similar, texts that share none are not.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.building import build_snapshot
from hub.catalogue.model import BrandFacts, Claim, Content, ContentKind, Need, NeedPattern
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.decisions.model import Channel, Goal, Mix, Scenario, SlotSpec
from hub.kit.money import Money
from hub.profiles.model import Evidence, Identity, Ownership, Profile, Signal, SignalKind, Stamp
from hub.profiles.view import Directions, ProfileView

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday; the same instant as the fixture `clock`
DIMENSIONS = 256
ENCODER = "words"


@lru_cache(maxsize=100_000)
def _word(word: str, dimensions: int) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)


def text_vector(text: str, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """Return a (dimensions,) float32 vector of length 1 for a text."""
    words = re.findall(r"[a-z0-9]+", text.lower()) or [""]
    mean = np.sum([_word(word.removesuffix("s"), dimensions) for word in words], axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)


def make_content(key: str = "oak-bench", **given: Any) -> Content:
    """Return a product of the house that can be had now and that a purchase does not close."""
    defaults: dict[str, Any] = {
        "kind": ContentKind.PRODUCT,
        "title": key.replace("-", " ").capitalize(),
        "brand": "house",
        "category": "home",
        "price": Money(Decimal("12.50"), "GBP"),
        "published_at": NOW - timedelta(days=365),
    }
    if given.get("kind", ContentKind.PRODUCT) is not ContentKind.PRODUCT:
        del defaults["price"]
    if isinstance(given.get("need"), NeedPattern):
        given["need"] = Need(given["need"])
    return Content(key=key, **{**defaults, **given})


def make_facts(key: str = "house", **given: Any) -> BrandFacts:
    """Return the facts of a brand that makes one claim."""
    defaults: dict[str, Any] = {
        "name": "The House",
        "voice": "Warm, plain, never pushy.",
        "claims": (Claim("returns", "Send it back within 30 days."),),
    }
    return BrandFacts(key=key, **{**defaults, **given})


def make_snapshot(
    contents: Iterable[Content] = (),
    *,
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
    dimensions: int = DIMENSIONS,
    encoder_id: str = ENCODER,
    **given: Any,
) -> CatalogueSnapshot:
    """Return a snapshot of `contents`; `vectors` maps content keys to vectors, the rest is made of words."""
    contents = tuple(contents)
    found = vectors or {}
    texts = [text for answer in given.get("answers", ()) for text in (answer.title, *answer.questions)]
    by_text = {text: text_vector(text, dimensions) for text in texts} | {
        content.embedding_text: (
            found[content.key] if content.key in found else text_vector(content.embedding_text, dimensions)
        )
        for content in contents
    }
    given.setdefault("facts", (make_facts(),))
    return build_snapshot(contents, vectors=by_text, encoder_id=encoder_id, dimensions=dimensions, **given)


def make_directions(
    *texts: str,
    weights: Iterable[float] | None = None,
    evidence: Iterable[tuple[Evidence, ...]] | None = None,
    dimensions: int = DIMENSIONS,
) -> Directions:
    """Return directions towards some texts, which are their labels, of equal weight if none is given."""
    if not texts:
        return Directions.none(dimensions)
    weight = np.array(list(weights), float) if weights is not None else np.full(len(texts), 1 / len(texts))
    return Directions(
        vectors=np.stack([text_vector(text, dimensions) for text in texts]),
        weights=weight,
        labels=texts,
        ids=tuple(f"int_{text}" for text in texts),
        evidence=tuple(evidence) if evidence is not None else tuple(() for _ in texts),
    )


def make_signal(kind: SignalKind, content_key: str | None = None, *, ago: timedelta = timedelta(days=1), text: str | None = None) -> Signal:  # fmt: skip
    """Return a signal from some time before NOW."""
    return Signal(Stamp(NOW - ago, f"msg-{kind}-{content_key or text}-{ago}"), kind, content_key, text)


def make_ownership(*, days_ago: float = 10, count: int = 1) -> Ownership:
    """Return the ownership of something bought so many days before NOW."""
    bought = NOW - timedelta(days=days_ago)
    return Ownership(count, bought, bought)


def make_view(**given: Any) -> ProfileView:
    """Return the view of a known customer of whom little is known, at NOW.

    `owned` may map a key to a number of days ago; directions may be given as tuples of texts.
    """
    owned = {
        key: value if isinstance(value, Ownership) else make_ownership(days_ago=value)
        for key, value in given.pop("owned", {}).items()
    }
    for name in ("interests", "session", "declared", "avoided"):
        value = given.get(name, ())
        given[name] = value if isinstance(value, Directions) else make_directions(*value)
    defaults: dict[str, Any] = {
        "profile_id": "prf_1",
        "profile_version": 1,
        "at": NOW,
        "personal": True,
        "first_seen_at": NOW - timedelta(days=100),
        "last_seen_at": NOW - timedelta(days=1),
    }
    return ProfileView(**{**defaults, "owned": owned, **given})


def make_stranger(**given: Any) -> ProfileView:
    """Return the view of a visitor of whom nothing is known."""
    nobody = {"profile_id": None, "profile_version": 0, "personal": False}
    return make_view(**{**nobody, "first_seen_at": None, "last_seen_at": None, **given})


def make_profile(profile_id: str = "prf_1", **given: Any) -> Profile:
    """Return the profile of a customer known by a user id."""
    defaults: dict[str, Any] = {
        "id": profile_id,
        "version": 1,
        "facet_ids": ("fct_1",),
        "encoder_id": ENCODER,
        "identities": (Identity("user_id", "ada", verified=True, first_seen_at=NOW - timedelta(days=100)),),
        "first_seen_at": NOW - timedelta(days=100),
        "last_seen_at": NOW - timedelta(days=1),
    }
    unknown = set(given) - {field.name for field in fields(Profile)}
    assert not unknown, f"a profile has no {unknown}"
    return Profile(**{**defaults, **given})


def make_scenario(**given: Any) -> Scenario:
    """Return a scenario with one slot of products and one to read on every channel, all layers playing."""
    slots = (
        SlotSpec("for_you", "For you", 6, (ContentKind.PRODUCT,)),
        SlotSpec("to_read", "Worth reading", 3, (ContentKind.ARTICLE, ContentKind.STORY, ContentKind.GUIDE)),
    )
    defaults: dict[str, Any] = {
        "key": "home",
        "title": "The home page",
        "mix": Mix({"base": 0.5, "interests": 1.0, "session": 1.0, "declared": 1.2, "needs": 0.9}),
        "slots": dict.fromkeys(Channel, slots),
        "goal": Goal("Order Completed"),
    }
    return Scenario(**{**defaults, **given})
