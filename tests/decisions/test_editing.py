"""Scenarios drafted, published and rolled back; guards and filters of slots."""

import asyncio
from decimal import Decimal

import pytest

from hub.catalogue.model import ContentKind
from hub.decisions.editing import ScenarioEditing, ScenarioState
from hub.decisions.model import Guards, SlotSpec
from hub.decisions.scenarios import ScenarioService
from hub.errors import Conflict, InvalidInput, NotFound
from hub.kit.money import Money
from tests.builders import make_content, make_snapshot
from tests.decisions.strategies import LAYERS

SALE = """
key = "sale"
title = "The sale"
goal = "Order Completed"
moments = ["browsing"]
mix = {base = 1.0}
[guards]
without_categories = ["garden"]
most_price = 50
[[slots.WEB]]
key = "best"
title = "Best"
size = 3
kinds = ["PRODUCT"]
categories = ["kitchen"]
most_price = 20.50
"""


@pytest.fixture
def scenarios(store):
    return ScenarioService(store, monotonic=iter(range(0, 10_000, 10)).__next__)


@pytest.fixture
async def editing(store, scenarios, clock):
    await scenarios.seed()
    snapshot = make_snapshot(
        [make_content("pot", category="garden/pots"), make_content("pan", category="kitchen")]
    )
    return ScenarioEditing(store, scenarios, LAYERS, lambda: snapshot, clock)


@pytest.mark.mongod
class TestDraft:
    async def test_a_draft_changes_nothing_that_is_served(self, editing, scenarios):
        saved = await editing.draft(SALE, by="mara", note="spring")
        assert (saved.scenario.version, saved.state, saved.created_by) == (1, ScenarioState.DRAFT, "mara")
        assert saved.scenario.guards == Guards(("garden",), (), Decimal(50))
        with pytest.raises(NotFound):
            await scenarios.get("sale")

    async def test_those_who_draft_at_once_get_a_version_each(self, editing):
        saved = await asyncio.gather(*(editing.draft(SALE) for _ in range(4)))
        assert sorted(each.scenario.version for each in saved) == [1, 2, 3, 4]

    async def test_a_draft_of_a_shipped_one_is_its_next_version(self, editing):
        saved = await editing.draft(SALE.replace('"sale"', '"home"'))
        assert saved.scenario.version == 2
        assert [(s.scenario.version, s.state) for s in await editing.versions("home")] == [
            (2, ScenarioState.DRAFT),
            (1, ScenarioState.PUBLISHED),
        ]

    @pytest.mark.parametrize(
        ("old", "new", "path", "code"),
        [
            ("base = 1.0", "bass = 1.0", ("mix", "bass"), "UNKNOWN_LAYER"),
            ('"browsing"', '"brewing"', ("moments", 0), "UNKNOWN_MOMENT"),
            ('["garden"]', '["garden", "moon"]', ("guards", "without_categories", 1), "UNKNOWN_CATEGORY"),
            ('["kitchen"]', '["kitten"]', ("slots", "WEB", 0, "categories", 0), "UNKNOWN_CATEGORY"),
            ("size = 3", "size = 51", ("slots", "WEB", 0, "size"), "INVALID_SCENARIO"),
            ("20.50", "-1", ("slots", "WEB", 0, "most_price"), "INVALID_SCENARIO"),
            ("mix = {", 'brands = ["moon"]\nmix = {', ("brands", 0), "UNKNOWN_BRAND"),
        ],
    )
    async def test_a_fault_is_pointed_at_and_nothing_is_saved(self, editing, store, old, new, path, code):
        with pytest.raises(InvalidInput) as refused:
            await editing.draft(SALE.replace(old, new))
        assert (refused.value.path, refused.value.kind) == (("definition", *path), code)
        assert await store.db["scenario_versions"].count_documents({}) == 0


@pytest.mark.mongod
class TestPublish:
    async def test_it_is_in_force_and_can_be_taken_back(self, editing, scenarios):
        shipped = await scenarios.get("home")
        saved = await editing.draft(SALE.replace('"sale"', '"home"'))
        await editing.publish("home", 2)
        assert await scenarios.get("home") == saved.scenario
        back = await editing.roll_back("home")
        assert await scenarios.get("home") == shipped == back.scenario
        assert [(s.scenario.version, s.state) for s in await editing.versions("home")] == [
            (2, ScenarioState.DRAFT),
            (1, ScenarioState.PUBLISHED),
        ]
        with pytest.raises(NotFound) as refused:
            await editing.roll_back("home")
        assert refused.value.kind == "NOTHING_BEFORE"

    async def test_publications_are_rolled_back_one_by_one(self, editing, scenarios):
        for title in ("One", "Two", "Three"):
            saved = await editing.draft(SALE.replace("The sale", title))
            await editing.publish("sale", saved.scenario.version)
        titles = [(await scenarios.get("sale")).title]
        for _ in range(2):
            await editing.roll_back("sale")
            titles.append((await scenarios.get("sale")).title)
        assert titles == ["Three", "Two", "One"]

    async def test_a_release_does_not_take_the_place_of_what_was_published(self, editing, scenarios):
        await editing.draft(SALE.replace('"sale"', '"home"'))
        await editing.publish("home", 2)
        assert await scenarios.seed() == ()
        assert (await scenarios.get("home")).title == "The sale"

    async def test_of_two_who_publish_at_once_one_may_be_told_and_one_is_in_force(self, editing, scenarios):
        for title in ("One", "Two"):
            await editing.draft(SALE.replace("The sale", title))
        done = await asyncio.gather(
            editing.publish("sale", 1), editing.publish("sale", 2), return_exceptions=True
        )
        assert all(not isinstance(each, Exception) or isinstance(each, Conflict) for each in done)
        assert (await scenarios.get("sale")).version in {1, 2}

    async def test_a_version_that_there_is_not(self, editing):
        with pytest.raises(NotFound) as refused:
            await editing.publish("home", 7)
        assert refused.value.kind == "UNKNOWN_VERSION"


class TestWhatASlotTakes:
    SPEC = SlotSpec("s", "S", 3, (ContentKind.PRODUCT,), ("kitchen",), ("red", "blue"), Decimal(20))

    @pytest.mark.parametrize(
        ("given", "taken"),
        [
            ({}, True),
            ({"category": "kitchen"}, True),
            ({"category": "kitchenware"}, False),
            ({"tags": ("green",)}, False),
            ({"price": Money(Decimal("20.01"), "GBP")}, False),
            ({"price": None}, False),
            ({"kind": ContentKind.ARTICLE}, False),
        ],
    )
    def test_only_what_passes_every_filter(self, given, taken):
        fields = {
            "kind": ContentKind.PRODUCT,
            "category": "kitchen/pans",
            "tags": ("red",),
            "price": Money(Decimal(20), "GBP"),
        }
        assert self.SPEC.takes(make_content("c", **{**fields, **given})) is taken
