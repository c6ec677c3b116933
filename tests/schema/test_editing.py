"""Scenarios over GraphQL: drafted, previewed, published and rolled back by administrators alone."""

import pytest

from hub.auth.model import Scope

DEFINITION = """
key = "home"
title = "The other home"
goal = "Order Completed"
mix = {base = 1.0}
[[slots.WEB]]
key = "best"
title = "Best"
size = 2
kinds = ["PRODUCT"]
"""
DRAFT = """mutation($definition: String!) { draftScenario(input: {definition: $definition, note: "try"}) {
  saved { state note createdBy scenario { key title version slots { key size } } } errors { __typename code path } } }"""
PUBLISH = """mutation { publishScenario(input: {scenario: "home", version: 2}) {
  saved { state scenario { title } } errors { __typename code path } } }"""
BACK = """mutation { rollBackScenario(input: {scenario: "home"}) {
  saved { scenario { version } } errors { __typename code path } } }"""
PREVIEW = """{ previewScenario(scenario: "home", version: 2, for: {userId: "nobody"}, channel: WEB) {
  servedId scenario { title } ... on WebExperience { slots { key items(first: 9) { position } } } } }"""
VERSIONS = '{ scenarioVersions(scenario: "home") { state scenario { version } } }'


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.ADMIN])
class TestOthersThanAdministrators:
    @pytest.mark.parametrize(
        ("name", "document", "variables"),
        [
            ("draftScenario", DRAFT, {"definition": DEFINITION}),
            ("publishScenario", PUBLISH, {}),
            ("rollBackScenario", BACK, {}),
        ],
    )
    async def test_change_nothing(self, house, scope, name, document, variables):
        before = [await house.rows("scenarios"), await house.rows("scenario_versions")]
        data = await house.data(document, variables, by=scope)
        assert data[name]["errors"][0]["code"] == "FORBIDDEN"
        assert [await house.rows("scenarios"), await house.rows("scenario_versions")] == before

    @pytest.mark.parametrize("query", [PREVIEW, VERSIONS])
    async def test_see_nothing(self, house, scope, query):
        assert await house.refusal(query, by=scope) == "FORBIDDEN"


class TestAdministrators:
    async def test_draft_preview_publish_and_roll_back(self, house):
        made = (await house.data(DRAFT, {"definition": DEFINITION}, by=Scope.ADMIN))["draftScenario"]
        assert made == {
            "saved": {
                "state": "DRAFT",
                "note": "try",
                "createdBy": "admin",
                "scenario": {
                    "key": "home",
                    "title": "The other home",
                    "version": 2,
                    "slots": [{"key": "best", "size": 2}],
                },
            },
            "errors": [],
        }
        served = await house.rows("served")
        page = (await house.data(PREVIEW, by=Scope.ADMIN))["previewScenario"]
        assert (page["servedId"], page["scenario"]["title"]) == (None, "The other home")
        assert [slot["key"] for slot in page["slots"]] == ["best"]
        assert await house.rows("served") == served
        published = (await house.data(PUBLISH, by=Scope.ADMIN))["publishScenario"]
        assert published["saved"] == {"state": "PUBLISHED", "scenario": {"title": "The other home"}}
        versions = (await house.data(VERSIONS, by=Scope.ADMIN))["scenarioVersions"]
        assert [(v["scenario"]["version"], v["state"]) for v in versions] == [
            (2, "PUBLISHED"),
            (1, "RETIRED"),
        ]
        back = (await house.data(BACK, by=Scope.ADMIN))["rollBackScenario"]
        assert back == {"saved": {"scenario": {"version": 1}}, "errors": []}

    async def test_a_fault_is_pointed_at(self, house):
        wrong = DEFINITION.replace("size = 2", "size = 0")
        made = (await house.data(DRAFT, {"definition": wrong}, by=Scope.ADMIN))["draftScenario"]
        assert made["saved"] is None
        assert made["errors"] == [
            {
                "__typename": "InvalidInputError",
                "code": "INVALID_SCENARIO",
                "path": ["input", "definition", "slots", "WEB", "0", "size"],
            }
        ]
