"""A small house to present: seven contents, one brand, one offer, and Rosa."""

from datetime import timedelta
from decimal import Decimal

from hub.catalogue.model import BrandFacts, Content, ContentKind, Offer
from hub.channels.context import PresentationContext
from hub.decisions.decide import decide
from hub.decisions.model import Decision, MixRequest
from hub.decisions.shelf import arrange
from hub.kit.money import Money
from hub.layers.mix import resolve
from hub.layers.registry import own_layers
from hub.profiles.model import Fact, Identity, Interest, InterestKind, Source, Stamp
from tests.builders import (
    NOW,
    make_content,
    make_facts,
    make_profile,
    make_scenario,
    make_snapshot,
    make_view,
    text_vector,
)

STAMP = Stamp(NOW - timedelta(days=3), "msg_1")
LAYERS = {layer.name: layer for layer in own_layers()}


def product(key: str, title: str, category: str, price: str) -> Content:
    return make_content(
        key,
        title=title,
        category=category,
        summary=f"A good thing: {title}.",
        price=Money(Decimal(price), "GBP"),
        url=f"/p/{key}",
        image_url=f"/pictures/{key}.png",
    )


CONTENTS = (
    product("can", "Copper watering can", "garden/tools", "42"),
    product("rose", "Climbing rose", "garden/roses", "18.5"),
    product("honey", "Heather honey", "kitchen/pantry", "9.25"),
    product("blanket", "Wool blanket", "home/textiles", "89"),
    product("secateurs", "Rose secateurs", "garden/tools", "31"),
    make_content(
        "pruning", kind=ContentKind.ARTICLE, title="Pruning roses", category="garden/roses", url="/a/1"
    ),
    make_content("bread", kind=ContentKind.GUIDE, title="Baking bread", category="kitchen", url="/a/2"),
)
FACTS = make_facts(
    name="Hill & Vale",
    sender_name="Hill & Vale",
    sender_email="hello@hillandvale.example",
    postal_address="4 Mill Lane, Hebden Bridge",
    website="https://hillandvale.example",
    colour="#2f5d46",
)
OFFER = Offer(
    key="tenth", title="A tenth off the garden", terms="10% off until 31 March.", percent_off=Decimal(10)
)


def make_customer(**given):
    """Return the profile of Rosa, who likes roses and has an address."""
    defaults = {
        "identities": (
            Identity("email", "rosa@customers.example", verified=True, first_seen_at=NOW),
            Identity("user_id", "rosa", verified=True, first_seen_at=NOW),
        ),
        "traits": {"first_name": Fact("Rosa", Source.DECLARED, STAMP)},
        "interests": (
            Interest("int_1", InterestKind.LONG_TERM, "climbing roses", 0.8, text_vector("roses")),
        ),
    }
    return make_profile(**{**defaults, **given})


def make_decision(
    *, view=None, facts: BrandFacts = FACTS, contents=CONTENTS, offers=(OFFER,), scenario=None
) -> Decision:
    """Return what the real decision path makes of the sample house."""
    scenario = scenario or make_scenario()
    shelf = arrange(make_snapshot(contents, facts=(facts,), offers=offers))
    mix = resolve(scenario.mix, MixRequest(), LAYERS.keys())
    return decide(view or make_view(interests=("rose garden",)), shelf, scenario, mix, LAYERS)


def make_context(**given) -> PresentationContext:
    """Return the context of a serving to Rosa."""
    defaults = {
        "assembled_at": NOW,
        "speaker": FACTS,
        "base_url": "https://hub.example",
        "served_id": "srv_1",
        "profile": make_customer(),
        "personal": True,
        "unsubscribe_url": "https://hub.example/unsubscribe/token",
        "known": {content.key: content for content in CONTENTS},
    }
    return PresentationContext(**{**defaults, **given})
