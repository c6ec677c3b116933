"""Saved mixes and mutes over GraphQL: for administrators alone, with typed errors."""

import pytest

from hub.auth.model import Scope
from hub.layers.registry import load_layers

DRAFT = """mutation($input: DraftMixInput!) { draftMix(input: $input) {
  mix { version state weights { layer { name } weight } diversity stretch note createdBy }
  errors { __typename code path } } }"""
PUBLISH = """mutation($input: PublishMixInput!) { publishMix(input: $input) {
  mix { version state } errors { __typename code path } } }"""
BACK = """mutation { rollBackMix(input: {scenario: "service"}) {
  mix { version } errors { __typename code path } } }"""
MUTE = """mutation($layer: String!, $muted: Boolean!) { muteLayer(input: {layer: $layer, muted: $muted}) {
  muted { layer { name title } by } errors { __typename code path } } }"""
OPERATIONS = {
    "draftMix": (DRAFT, {"input": {"scenario": "service", "weights": [{"layer": "base", "weight": 1}]}}),
    "publishMix": (PUBLISH, {"input": {"scenario": "service", "version": 1}}),
    "rollBackMix": (BACK, {}),
    "muteLayer": (MUTE, {"layer": "needs", "muted": True}),
}


def weights(**given):
    return [{"layer": layer, "weight": weight} for layer, weight in given.items()]


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.ADMIN])
class TestOthersThanAdministrators:
    @pytest.mark.parametrize("name", OPERATIONS)
    async def test_change_nothing(self, house, scope, name):
        document, variables = OPERATIONS[name]
        before = [await house.rows("mixes"), await house.rows("mix_board")]
        data = await house.data(document, variables, by=scope)
        assert data[name]["errors"][0]["code"] == "FORBIDDEN"
        assert [await house.rows("mixes"), await house.rows("mix_board")] == before

    @pytest.mark.parametrize("query", ['{ mixes(scenario: "home") { version } }', "{ mutedLayers { by } }"])
    async def test_see_nothing(self, house, scope, query):
        assert await house.refusal(query, by=scope) == "FORBIDDEN"


class TestAdministrators:
    async def test_draft_publish_see_and_roll_back(self, house):
        given = {"scenario": "service", "weights": weights(base=1.5, needs=2), "stretch": 0.25, "note": "try"}
        made = (await house.data(DRAFT, {"input": given}, by=Scope.ADMIN))["draftMix"]
        assert made["errors"] == []
        assert made["mix"] == {
            "version": 1,
            "state": "DRAFT",
            "weights": [
                {"layer": {"name": "base"}, "weight": 1.5},
                {"layer": {"name": "needs"}, "weight": 2.0},
            ],
            "diversity": None,
            "stretch": 0.25,
            "note": "try",
            "createdBy": "admin",
        }
        published = await house.data(
            PUBLISH, {"input": {"scenario": "service", "version": 1}}, by=Scope.ADMIN
        )
        assert published["publishMix"] == {"mix": {"version": 1, "state": "PUBLISHED"}, "errors": []}
        seen = await house.data('{ mixes(scenario: "service") { version state } }', by=Scope.ADMIN)
        assert seen["mixes"] == [{"version": 1, "state": "PUBLISHED"}]
        assert (await house.data(BACK, by=Scope.ADMIN))["rollBackMix"] == {"mix": None, "errors": []}
        again = (await house.data(BACK, by=Scope.ADMIN))["rollBackMix"]
        assert again["errors"] == [
            {"__typename": "ConflictError", "code": "NOTHING_TO_ROLL_BACK", "path": ["input", "scenario"]}
        ]

    @pytest.mark.parametrize(
        ("given", "code", "path"),
        [
            ({"weights": weights(bass=1)}, "UNKNOWN_LAYER", ["input", "weights", "0"]),
            ({"weights": weights(base=0)}, "SILENT_MIX", ["input", "weights"]),
            ({"weights": weights(base=1) * 2}, "TWO_WEIGHTS", ["input", "weights", "1"]),
            ({"weights": weights(base=1), "diversity": 2}, "INVALID_DIAL", ["input", "diversity"]),
        ],
    )
    async def test_are_told_what_is_wrong_with_a_draft(self, house, given, code, path):
        told = await house.data(DRAFT, {"input": {"scenario": "home", **given}}, by=Scope.ADMIN)
        assert told["draftMix"] == {
            "mix": None,
            "errors": [{"__typename": "InvalidInputError", "code": code, "path": path}],
        }

    async def test_mute_and_unmute(self, house):
        data = await house.data(MUTE, {"layer": "session", "muted": True}, by=Scope.ADMIN)
        assert data["muteLayer"]["muted"] == [
            {"layer": {"name": "session", "title": "This visit"}, "by": "admin"}
        ]
        seen = await house.data("{ mutedLayers { layer { name } } }", by=Scope.ADMIN)
        assert seen["mutedLayers"] == [{"layer": {"name": "session"}}]
        data = await house.data(MUTE, {"layer": "session", "muted": False}, by=Scope.ADMIN)
        assert data["muteLayer"] == {"muted": [], "errors": []}

    async def test_mute_only_what_there_is(self, house):
        data = await house.data(MUTE, {"layer": "bass", "muted": True}, by=Scope.ADMIN)
        assert data["muteLayer"] == {
            "muted": None,
            "errors": [
                {"__typename": "InvalidInputError", "code": "UNKNOWN_LAYER", "path": ["input", "layer"]}
            ],
        }


PLAY = """query($mix: MixInput) { experience(for: {userId: "ada"}, channel: WEB, scenario: "home", mix: $mix, preview: true) {
  mix { layer { name } } } }"""
SILENT = [{"layer": layer, "weight": 0} for layer in load_layers()]


class TestOneCall:
    """What one call may not ask of a mix: a typed error that names the place, and no page by accident."""

    @pytest.mark.parametrize(
        ("mix", "code", "place"),
        [
            ({"mute": ["violins"]}, "UNKNOWN_LAYER", ["mix", "mute", "0"]),
            ({"solo": ["base", "violins"]}, "UNKNOWN_LAYER", ["mix", "solo", "1"]),
            ({"weights": weights(violins=1)}, "UNKNOWN_LAYER", ["mix", "weights", "0"]),
            ({"weights": SILENT}, "SILENT_MIX", ["mix"]),
            ({"mute": list(load_layers())}, "SILENT_MIX", ["mix"]),
            ({"solo": ["base"], "weights": weights(base=0)}, "SILENT_MIX", ["mix"]),
            ({"weights": weights(base=-1)}, "INVALID_WEIGHT", ["mix", "weights", "0"]),
            ({"weights": weights(base=11)}, "INVALID_WEIGHT", ["mix", "weights", "0"]),
            ({"solo": ["base"], "mute": ["base"]}, "SOLO_AND_MUTE", ["mix", "solo", "0"]),
            ({"diversity": 1.5}, "INVALID_DIAL", ["mix", "diversity"]),
            ({"stretch": -0.1}, "INVALID_DIAL", ["mix", "stretch"]),
        ],
    )
    async def test_cannot_ask_for_what_is_not_there(self, house, mix, code, place):
        answer = await house.ask(PLAY, {"mix": mix}, by=Scope.ADMIN)
        (error,) = answer["errors"]
        assert (error["extensions"]["code"], error["extensions"]["argument"]) == (code, place)

    async def test_can_mute_all_but_one(self, house):
        others = [name for name in load_layers() if name != "base"]
        data = await house.data(PLAY, {"mix": {"mute": others}}, by=Scope.ADMIN)
        assert data["experience"]["mix"] == [{"layer": {"name": "base"}}]
