"""Saved mixes: drafted, published, rolled back; mutes; and what is in force in another process."""

import asyncio

import pytest

from hub.decisions.mixes import KEPT_SECONDS, MixService, MixState
from hub.decisions.model import MixRequest
from hub.decisions.scenarios import ScenarioService
from hub.decisions.service import DecisionService
from hub.errors import Conflict, InvalidInput, NotFound, Unavailable
from tests.builders import NOW, make_content, make_snapshot, make_stranger, make_view
from tests.decisions.strategies import LAYERS

SNAPSHOT = make_snapshot([make_content("a"), make_content("b", editorial=1.0)])


class Process:
    """What one hub process has of all this."""

    def __init__(self, store, clock):
        self.now = 0.0
        self.scenarios = ScenarioService(store)
        self.mixes = MixService(store, self.scenarios, LAYERS.keys(), clock, monotonic=lambda: self.now)
        self.decisions = DecisionService(lambda: SNAPSHOT, self.scenarios, LAYERS, self.mixes)

    async def played(self, view=None, **request):
        decision = await self.decisions.decide(view or make_stranger(), "home", MixRequest(**request))
        return dict(decision.mix.weights)


@pytest.fixture
async def process(store, clock):
    made = Process(store, clock)
    await made.scenarios.seed()
    return made


@pytest.fixture
async def other(store, clock, process):
    return Process(store, clock)


class TestDraft:
    async def test_is_a_version_that_changes_nothing_served(self, process):
        before = await process.played()
        first = await process.mixes.draft("home", {"base": 2}, note="louder", by="desk")
        second = await process.mixes.draft("home", {"base": 1.0}, diversity=0.5, stretch=0.25)
        assert (first.version, second.version) == (1, 2)
        assert first.created_at == NOW
        assert await process.mixes.list("home") == (second, first)
        assert {mix.state for mix in (first, second)} == {MixState.DRAFT}
        assert await process.played() == before

    @pytest.mark.parametrize(
        ("weights", "dials", "code", "path"),
        [
            ({"bass": 1.0}, {}, "UNKNOWN_LAYER", ("weights", 0)),
            ({"base": 1.0, "needs": -1.0}, {}, "INVALID_WEIGHT", ("weights", 1)),
            ({"base": float("nan")}, {}, "INVALID_WEIGHT", ("weights", 0)),
            ({"base": 0.0, "needs": 0.0}, {}, "SILENT_MIX", ("weights",)),
            ({}, {}, "SILENT_MIX", ("weights",)),
            ({"base": 1.0}, {"stretch": 1.5}, "INVALID_DIAL", ("stretch",)),
            ({"base": 1.0}, {"note": "x" * 501}, "NOTE_TOO_LONG", ("note",)),
        ],
    )
    async def test_that_is_impossible_is_refused_and_not_kept(self, process, weights, dials, code, path):
        with pytest.raises(InvalidInput) as refusal:
            await process.mixes.draft("home", weights, **dials)
        assert (refusal.value.kind, refusal.value.path) == (code, path)
        assert await process.mixes.list("home") == ()

    async def test_is_for_a_scenario_there_is(self, process):
        with pytest.raises(NotFound, match="no scenario"):
            await process.mixes.draft("nowhere", {"base": 1.0})

    async def test_versions_of_many_at_once_are_their_own(self, process, other):
        made = await asyncio.gather(
            *(each.mixes.draft("home", {"base": 1.0}) for each in (process, other) for _ in range(2))
        )
        assert sorted(mix.version for mix in made) == [1, 2, 3, 4]


class TestPublish:
    async def test_puts_a_version_in_force_and_retires_the_one_before(self, process):
        for weight in (2.0, 3.0):
            mix = await process.mixes.draft("home", {"base": weight})
            assert (await process.mixes.publish("home", mix.version)).state is MixState.PUBLISHED
            assert await process.played() == {"base": weight}
        assert [mix.state for mix in await process.mixes.list("home")] == [
            MixState.PUBLISHED,
            MixState.RETIRED,
        ]

    async def test_is_in_force_in_another_process_within_a_second(self, process, other):
        await other.played()
        mix = await process.mixes.draft("home", {"base": 2.0}, stretch=0.5)
        await process.mixes.publish("home", mix.version)
        other.now += KEPT_SECONDS + 0.01
        assert KEPT_SECONDS < 1
        assert await other.played() == {"base": 2.0}

    async def test_leaves_other_scenarios_alone(self, process):
        before = (await process.decisions.decide(make_stranger(), "newsletter", MixRequest())).mix
        await process.mixes.draft("home", {"base": 2.0})
        await process.mixes.publish("home", 1)
        after = (await process.decisions.decide(make_stranger(), "newsletter", MixRequest())).mix
        assert after == before

    async def test_a_call_still_changes_what_is_published(self, process):
        await process.mixes.draft("home", {"base": 2.0, "needs": 1.0})
        await process.mixes.publish("home", 1)
        assert await process.played(mute=("base",)) == {"needs": 1.0}

    async def test_names_a_version_there_is(self, process):
        with pytest.raises(NotFound) as refusal:
            await process.mixes.publish("home", 7)
        assert refusal.value.kind == "UNKNOWN_MIX"

    async def test_a_mix_whose_layer_is_gone_is_not_published(self, process, store, clock):
        await process.mixes.draft("home", {"needs": 1.0})
        poorer = MixService(store, process.scenarios, ["base"], clock)
        with pytest.raises(InvalidInput, match="no layer 'needs'"):
            await poorer.publish("home", 1)

    async def test_of_two_at_once_one_wins_and_the_other_is_told(self, process, other):
        for weight in (1.0, 2.0):
            await process.mixes.draft("home", {"base": weight})
        results = await asyncio.gather(
            process.mixes.publish("home", 1), other.mixes.publish("home", 2), return_exceptions=True
        )
        lost = [result for result in results if isinstance(result, Exception)]
        assert all(isinstance(error, Conflict) for error in lost)
        process.now += 1
        won = [result for result in results if not isinstance(result, Exception)]
        assert (await process.mixes.board()).published["home"].version in {mix.version for mix in won}


class TestRollBack:
    async def test_goes_back_version_by_version_to_the_scenarios_own(self, process):
        own = await process.played()
        for weight in (2.0, 3.0):
            mix = await process.mixes.draft("home", {"base": weight})
            await process.mixes.publish("home", mix.version)
        assert (await process.mixes.roll_back("home")).version == 1
        assert await process.played() == {"base": 2.0}
        assert await process.mixes.roll_back("home") is None
        assert await process.played() == own
        with pytest.raises(Conflict) as refusal:
            await process.mixes.roll_back("home")
        assert refusal.value.kind == "NOTHING_TO_ROLL_BACK"
        await process.mixes.publish("home", 2)
        assert await process.played() == {"base": 3.0}


class TestMute:
    async def test_silences_a_layer_whatever_a_call_asks_for(self, process, other):
        await other.played()
        assert [each.layer for each in await process.mixes.mute("needs", True, by="desk")] == ["needs"]
        assert "needs" not in await process.played()
        assert await process.played(solo=("needs",)) == {"base": 1.0}
        other.now += KEPT_SECONDS + 0.01
        assert "needs" not in await other.played()

    async def test_equals_a_configuration_without_the_layer(self, process):
        asked = await process.decisions.decide(make_view(), "home", MixRequest(mute=("needs",)))
        await process.mixes.mute("needs", True)
        muted = await process.decisions.decide(make_view(), "home", MixRequest())
        assert muted.configuration_version == asked.configuration_version
        assert muted.ranking.first(2) == asked.ranking.first(2)

    async def test_is_lifted(self, process):
        before = await process.played()
        await process.mixes.mute("needs", True)
        await process.mixes.mute("needs", True)
        assert await process.mixes.mute("needs", False) == ()
        assert await process.played() == before

    async def test_of_a_layer_nobody_has_is_refused(self, process):
        with pytest.raises(InvalidInput) as refusal:
            await process.mixes.mute("bass", True)
        assert (refusal.value.kind, refusal.value.path) == ("UNKNOWN_LAYER", ("layer",))
        assert await process.mixes.mute("bass", False) == ()

    async def test_stays_in_force_when_the_store_goes_away(self, process, monkeypatch):
        await process.mixes.mute("needs", True)

        async def gone():
            raise Unavailable("gone")

        monkeypatch.setattr(process.mixes, "_read", gone)
        process.now += 100
        assert "needs" not in await process.played()
