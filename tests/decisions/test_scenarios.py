"""Scenarios: shipped as files, kept in the store, replaced only if nobody changed them."""

from dataclasses import replace

import pytest
from structlog.testing import CapturingLogger

from hub.catalogue.model import ContentKind
from hub.decisions import scenarios as module
from hub.decisions.editing import ScenarioEditing
from hub.decisions.model import Channel, Goal, Mix, MixRequest, Note
from hub.decisions.scenario_files import parse_scenario, shipped_files, shipped_scenarios
from hub.decisions.scenarios import KEPT_SECONDS, ScenarioService, Shipped, configuration_version
from hub.decisions.service import DecisionService
from hub.errors import InvalidInput, NotFound, Unavailable
from hub.kit.canonical import digest, plain
from hub.store.codecs import to_document
from tests.builders import NOW, make_content, make_scenario, make_snapshot, make_stranger, make_view
from tests.decisions.strategies import LAYERS

NAMES = [
    "expected_and_unexpected",
    "gift_for_a_friend",
    "guided_choice",
    "home",
    "in_control",
    "newsletter",
    "people_like_me",
    "service",
    "weekly_discovery",
    "welcome_back",
]
VISIONS = {
    "expected_and_unexpected",
    "gift_for_a_friend",
    "guided_choice",
    "in_control",
    "people_like_me",
    "welcome_back",
}
LATER_LAYERS = {"neighbours", "discovery"}

SMALL = """
key = "sale"
title = "The sale"
goal = "Order Completed"
mix = {base = 1.0}
[[slots.WEB]]
key = "best"
title = "Best"
size = 3
kinds = ["PRODUCT"]
"""


class TestFiles:
    def test_they_fill_every_channel(self):
        shipped = shipped_scenarios()
        assert list(shipped) == NAMES
        for scenario in shipped.values():
            assert set(scenario.slots) == set(Channel)
            assert set(scenario.mix.weights) <= {*LAYERS, *LATER_LAYERS}
            assert any(
                ContentKind.PRODUCT in slot.kinds for slots in scenario.slots.values() for slot in slots
            )

    def test_the_six_visions_are_specified(self):
        assert {key for key, written in shipped_files().items() if written.checks} == {
            *VISIONS,
            "weekly_discovery",
        }

    def test_a_file_says_what_is_meant(self):
        scenario = parse_scenario(SMALL)
        assert (scenario.key, scenario.goal, scenario.mix) == (
            "sale",
            Goal("Order Completed"),
            Mix({"base": 1.0}),
        )
        assert scenario.slots[Channel.WEB][0].kinds == (ContentKind.PRODUCT,)

    @pytest.mark.parametrize(
        ("old", "new", "path"),
        [
            ('key = "sale"', 'key = "The Sale"', ("key",)),
            ("size = 3", "size = 0", ("slots", "WEB", 0, "size")),
            ("base = 1.0", "base = nan", ("mix", "base")),
            ("base = 1.0", "base = -1", ("mix", "base")),
            ('"PRODUCT"', '"SHOES"', ("slots", "WEB", 0, "kinds", 0)),
            ("slots.WEB", "slots.FAX", ("slots", "FAX", "[key]")),
            ('goal = "Order', 'gaol = "Order', ("goal",)),
        ],
    )
    def test_a_fault_is_pointed_at(self, old, new, path):
        with pytest.raises(InvalidInput) as refusal:
            parse_scenario(SMALL.replace(old, new), name="sale.toml")
        assert refusal.value.path == path
        assert refusal.value.message.startswith("sale.toml: ")

    def test_two_slots_of_one_key_are_refused(self):
        twice = SMALL + SMALL[SMALL.index("[[slots") :]
        with pytest.raises(InvalidInput, match="same key"):
            parse_scenario(twice)

    def test_what_is_no_toml_is_refused(self):
        with pytest.raises(InvalidInput, match="is not TOML"):
            parse_scenario("key = ")


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.mongod
class TestInTheStore:
    async def test_seeding_twice_writes_once(self, store):
        service = ScenarioService(store)
        assert await service.seed() == tuple(NAMES)
        before = await store.db["scenarios"].find({}).to_list()
        assert await service.seed() == ()
        assert await store.db["scenarios"].find({}).to_list() == before

    async def test_what_was_seeded_is_what_was_shipped(self, store):
        service = ScenarioService(store)
        await service.seed()
        assert {scenario.key: scenario for scenario in await service.list()} == shipped_scenarios()
        assert await service.get("home") == shipped_scenarios()["home"]

    async def test_an_unknown_key_names_the_known(self, store):
        service = ScenarioService(store)
        await service.seed()
        with pytest.raises(NotFound) as refusal:
            await service.get("hoem")
        assert refusal.value.kind == "UNKNOWN_SCENARIO"
        assert all(name in refusal.value.message for name in NAMES)

    async def test_a_later_release_replaces_what_nobody_changed(self, store, monkeypatch):
        service = ScenarioService(store)
        await service.seed()
        newer = {**shipped_scenarios(), "home": replace(shipped_scenarios()["home"], title="New")}
        monkeypatch.setattr(module, "shipped_scenarios", lambda: newer)
        assert await service.seed() == ("home",)
        home = await service.get("home")
        assert (home.title, home.version) == ("New", 2)
        assert await service.seed() == ()

    async def test_a_later_release_knows_what_an_earlier_one_with_fewer_fields_stored(self, store):
        """As it was stored and named by a release whose scenarios asked no questions and whose slots had no filters."""
        home = shipped_scenarios()["home"]
        said = plain(replace(home, title="The old home page"))
        stored = to_document(replace(home, title="The old home page"), _id="home")
        for each in (said, stored):
            for name in ("questions", "for_another", "frequency"):
                del each[name]
            for slots in each["slots"].values():
                for slot in slots:
                    del slot["most_price"]
        await store.db["scenarios"].insert_one({**stored, "shipped": digest(said)})
        service = ScenarioService(store)
        assert "home" in await service.seed()
        assert await service.get("home") == replace(home, version=2)

    async def test_a_later_release_takes_no_drafts_version_and_can_be_rolled_back(
        self, store, clock, monkeypatch
    ):
        service = ScenarioService(store)
        await service.seed()
        editing = ScenarioEditing(store, service, LAYERS.keys(), make_snapshot, clock)
        text = SMALL.replace('"sale"', '"home"')
        assert (await editing.draft(text)).scenario.version == 2
        newer = {**shipped_scenarios(), "home": replace(shipped_scenarios()["home"], title="New")}
        monkeypatch.setattr(module, "shipped_scenarios", lambda: newer)
        assert await service.seed() == ("home",)
        assert (await service.get("home")).version == 3
        states = {each.scenario.version: each.state.value for each in await editing.versions("home")}
        assert states == {3: "PUBLISHED", 2: "DRAFT"}
        assert (await editing.roll_back("home")).scenario.title == "The home page"
        assert await service.seed() == ()
        assert (await service.get("home")).title == "The home page"

    async def test_what_was_edited_is_said(self, store, monkeypatch):
        service = ScenarioService(store)
        await service.seed()
        await store.db["scenarios"].update_one({"_id": "home"}, {"$set": {"title": "Ours", "version": 2}})
        await store.db["scenarios"].update_one({"_id": "service"}, {"$set": {"title": "Ours", "version": 2}})
        newer = {**shipped_scenarios(), "home": replace(shipped_scenarios()["home"], title="New")}
        monkeypatch.setattr(module, "shipped_scenarios", lambda: newer)
        await store.db["scenarios"].insert_one(to_document(replace(newer["home"], key="mine"), _id="mine"))
        log = CapturingLogger()  # whatever level another test has set
        monkeypatch.setattr(module, "log", log)
        await service.seed()
        assert [call.kwargs["scenario"] for call in log.calls] == ["home"]
        standing = await service.standing()
        assert standing.pop("home") is Shipped.LEFT_BEHIND
        assert standing.pop("service") is Shipped.EDITED
        assert standing.pop("mine") is Shipped.OWN
        assert set(standing.values()) == {Shipped.AS_SHIPPED}

    async def test_a_later_release_leaves_what_somebody_changed(self, store, monkeypatch):
        service = ScenarioService(store)
        await service.seed()
        await store.db["scenarios"].update_one({"_id": "home"}, {"$set": {"title": "Ours", "version": 2}})
        newer = {**shipped_scenarios(), "home": replace(shipped_scenarios()["home"], title="New")}
        monkeypatch.setattr(module, "shipped_scenarios", lambda: newer)
        assert await service.seed() == ()
        assert (await service.get("home")).title == "Ours"

    async def test_a_change_is_seen_after_a_moment(self, store):
        clock = Time()
        service = ScenarioService(store, monotonic=clock)
        await service.seed()
        assert (await service.get("home")).title == "The home page"
        await store.db["scenarios"].update_one({"_id": "home"}, {"$set": {"title": "Ours"}})
        assert (await service.get("home")).title == "The home page"
        clock.now += KEPT_SECONDS + 0.1
        assert (await service.get("home")).title == "Ours"


class Gone:
    """A store that does not answer."""

    def __init__(self):
        self.db = {"scenarios": self, "scenario_versions": self}

    def find(self, _filter):
        raise Unavailable("the store does not answer")


class TestWithoutTheStore:
    async def test_a_decision_cannot_be_made_without_ever_having_read(self):
        with pytest.raises(Unavailable):
            await ScenarioService(Gone()).get("home")

    def test_the_last_known_is_the_shipped_one(self):
        assert ScenarioService(Gone()).last_known("home") == shipped_scenarios()["home"]
        assert ScenarioService(Gone()).last_known("nothing") is None

    @pytest.mark.mongod
    async def test_what_was_read_before_is_kept(self, store):
        clock = Time()
        service = ScenarioService(store, monotonic=clock)
        await service.seed()
        await store.db["scenarios"].update_one({"_id": "home"}, {"$set": {"title": "Ours"}})
        await service.get("home")
        service._scenarios = Gone()
        clock.now += KEPT_SECONDS + 0.1
        assert (await service.get("home")).title == "Ours"
        assert service.last_known("home").title == "Ours"

    def test_a_base_decision_says_why_it_is_one(self):
        service = DecisionService(lambda: make_snapshot([make_content()]), ScenarioService(Gone()), LAYERS)
        note = Note("STORE_UNAVAILABLE", "The store does not answer.")
        decision = service.decide_without_store(make_stranger(), "home", degraded=note)
        assert decision.degraded == note
        assert [content.key for content in decision.ranking.contents] == ["oak-bench"]
        with pytest.raises(NotFound):
            service.decide_without_store(make_stranger(), "nothing", degraded=note)


@pytest.mark.mongod
class TestDecisionService:
    @pytest.fixture
    async def service(self, store):
        scenarios = ScenarioService(store)
        await scenarios.seed()
        self.snapshot = make_snapshot([make_content("vase"), make_content("lamp")], popularity={"vase": 0.9})
        return DecisionService(lambda: self.snapshot, scenarios, LAYERS)

    async def test_decides_at_the_instant_asked_for(self, service):
        earlier = NOW.replace(year=2025)
        assert (await service.decide(make_view(), "home", MixRequest())).at == NOW
        assert (await service.decide(make_view(), "home", MixRequest(), earlier)).at == earlier

    async def test_the_customers_switches_hold(self, service):
        view = make_view(preferences={"layer.interests": "off"})
        decision = await service.decide(view, "home", MixRequest(solo=("interests", "needs")))
        assert list(decision.mix.weights) == ["needs"]

    async def test_an_impossible_mix_is_refused(self, service):
        with pytest.raises(InvalidInput):
            await service.decide(make_view(), "home", MixRequest(weights={"base": float("nan")}))

    async def test_a_new_catalogue_is_seen_at_once(self, service):
        before = await service.decide(make_view(), "home", MixRequest())
        self.snapshot = make_snapshot([make_content("rug")])
        after = await service.decide(make_view(), "home", MixRequest())
        assert [content.key for content in before.ranking.contents] == ["vase", "lamp"]
        assert [content.key for content in after.ranking.contents] == ["rug"]
        assert before.configuration_version != after.configuration_version

    async def test_the_brand_speaks(self, service):
        decision = await service.decide(make_stranger(), "home", MixRequest())
        assert decision.voice == "Warm, plain, never pushy."
        assert [claim.key for claim in decision.claims] == ["returns"]


class TestConfigurationVersion:
    SNAPSHOT = make_snapshot([make_content()])

    def version(self, scenario, mix=None, snapshot=SNAPSHOT):
        return configuration_version(snapshot, scenario, mix or scenario.mix, LAYERS)

    def test_is_the_same_for_the_same(self):
        assert self.version(make_scenario()) == self.version(make_scenario())

    def test_moves_with_catalogue_scenario_and_mix(self):
        first = self.version(make_scenario())
        assert self.version(make_scenario(version=2)) != first
        assert self.version(make_scenario(key="other")) != first
        assert self.version(make_scenario(), Mix({"base": 0.4})) != first
        assert self.version(make_scenario(), snapshot=make_snapshot([make_content("vase")])) != first

    def test_counts_the_mix_as_played_not_as_written(self):
        mix = Mix({"base": 1.0})
        assert self.version(make_scenario(), mix) == self.version(make_scenario(mix=mix))
