"""Whole situations for property tests: a catalogue, a customer, a scenario and a mix, of all sorts."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from hub.catalogue.model import Availability, Content, ContentKind, Need, NeedPattern
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.decisions.decide import decide
from hub.decisions.model import Decision, Mix, Scenario
from hub.decisions.shelf import arrange
from hub.kit.canonical import canonical
from hub.layers.base import Layer
from hub.layers.registry import load_layers
from hub.profiles.model import FeedbackKind, Ownership, SignalKind
from hub.profiles.view import ProfileView
from tests.builders import (
    NOW,
    make_content,
    make_facts,
    make_scenario,
    make_signal,
    make_snapshot,
    make_stranger,
    make_view,
)

LAYERS = load_layers()
WORDS = ("rose", "coffee", "oak", "linen", "lamp", "rye", "wool", "garden", "night", "blue")
CATEGORIES = ("garden", "garden/roses", "grocery/coffee", "home/lamps", "home/linen", "")

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
needs = st.one_of(
    st.sampled_from(
        [Need(NeedPattern.ONCE), Need(NeedPattern.CONSUMABLE), Need(NeedPattern.COLLECTIBLE)],
    ),
    st.builds(
        Need,
        st.sampled_from([NeedPattern.DURABLE, NeedPattern.REPLENISHABLE]),
        st.floats(1, 400, allow_nan=False),
    ),
)


@st.composite
def contents(draw: st.DrawFn, key: str) -> Content:
    return make_content(
        key,
        title=draw(texts),
        kind=draw(st.sampled_from(ContentKind)),
        category=draw(st.sampled_from(CATEGORIES)),
        brand=draw(st.sampled_from(["house", "sister"])),
        availability=draw(st.sampled_from(Availability)),
        need=draw(needs),
        goes_with=tuple(draw(st.lists(st.sampled_from(CATEGORIES[:-1]), max_size=2))),
        claims=tuple(draw(st.lists(st.sampled_from(["returns", "unproven"]), max_size=1))),
        editorial=draw(st.sampled_from([-1.0, 0.0, 0.0, 0.5])),
        published_at=draw(
            st.one_of(st.none(), st.integers(-3, 500).map(lambda days: NOW - timedelta(days=days)))
        ),
    )


@st.composite
def snapshots(draw: st.DrawFn, most: int = 25) -> CatalogueSnapshot:
    found = [draw(contents(f"c{number:02d}")) for number in range(draw(st.integers(0, most)))]
    return make_snapshot(
        found,
        popularity={content.key: draw(st.sampled_from([0.0, 0.3, 0.7, 1.0])) for content in found},
        facts=(make_facts("house", house=True), make_facts("sister", name="The Sister")),
    )


@st.composite
def views(draw: st.DrawFn, snapshot: CatalogueSnapshot) -> ProfileView:
    keys = [content.key for content in snapshot.contents]
    some = st.lists(st.sampled_from(keys), max_size=4, unique=True) if keys else st.just([])
    if draw(st.integers(0, 7)) == 0:
        return make_stranger()
    given: dict[str, Any] = {
        "owned": {
            key: Ownership(draw(st.integers(-1, 3)), NOW - timedelta(days=days), NOW - timedelta(days=days))
            for key in draw(some)
            for days in [draw(st.integers(-2, 500))]
        },
        "hidden": frozenset(draw(some)),
        "cart": tuple(draw(some)),
        "personal": draw(st.booleans()),
    }
    if given["personal"]:
        for name in ("interests", "session", "declared", "avoided"):
            given[name] = tuple(draw(st.lists(texts, max_size=3, unique=True)))
        given["feedback"] = {key: draw(st.sampled_from(FeedbackKind)) for key in draw(some)}
        given["recent"] = tuple(
            make_signal(
                draw(st.sampled_from(SignalKind)), key, ago=timedelta(hours=draw(st.integers(0, 900)))
            )
            for key in draw(some)
        )
    return make_view(**given)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    weights = {name: draw(st.floats(0.01, 3, allow_nan=False)) for name in LAYERS}
    return make_scenario(
        mix=Mix(weights),
        variety=draw(st.sampled_from([0.0, 0.3, 1.0])),
        brands=draw(st.sampled_from([(), ("house",), ("sister", "house")])),
    )


situations = snapshots().flatmap(lambda snapshot: st.tuples(st.just(snapshot), views(snapshot), scenarios()))


def play(
    snapshot: CatalogueSnapshot,
    view: ProfileView,
    scenario: Scenario,
    mix: Mix | None = None,
    layers: dict[str, Layer] | None = None,
) -> Decision:
    """Decide with the scenario's own mix unless another is given."""
    return decide(view, arrange(snapshot), scenario, mix or scenario.mix, layers or LAYERS)


def told(decision: Decision, *, with_configuration: bool = True) -> bytes:
    """Return all that a decision says, as canonical bytes."""
    return canonical(
        {
            "at": decision.at,
            "scenario": decision.scenario.key,
            "moment": decision.moment,
            "mix": list(decision.mix.weights.items()),
            "ranking": decision.ranking.first(len(decision.ranking)),
            "contents": decision.ranking.contents,
            "removed": decision.removed,
            "offers": decision.offers,
            "voice": decision.voice,
            "claims": decision.claims,
            "configuration": decision.configuration_version if with_configuration else "",
        }
    )
