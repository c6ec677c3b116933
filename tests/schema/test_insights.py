"""The demand outlook and trends over GraphQL: for administrators alone, and leaving no trace."""

import pytest

from hub.auth.model import Scope

DEMAND = """query($scenario: String!, $sample: Int!) {
  demandOutlook(scenario: $scenario, sample: $sample) {
    scenario version customers asked largestError
    items(first: 3) { edges { node { content { key title } share impressions error demand short } } }
    categories(first: 2) { edges { node { name impressions demand customers } } }
    segments { edges { node { name customers } } }
  }
}"""
TRENDS = (
    "{ trends(sample: 50) { customers asked rising { label } scarce { label contents } unmet { words } } }"
)


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.ADMIN])
async def test_nobody_but_an_administrator_reads_them(house, scope):
    for document in (DEMAND, TRENDS):
        variables = {"scenario": "home", "sample": 5} if document is DEMAND else {}
        answer = await house.ask(document, variables, by=scope)
        assert answer["errors"]
        assert answer.get("data") is None


async def test_what_would_be_shown_is_told_by_item_category_and_segment(house):
    found = (await house.data(DEMAND, {"scenario": "home", "sample": 50}, by=Scope.ADMIN))["demandOutlook"]
    assert found["scenario"] == "home"
    assert found["asked"] == found["customers"] > 0
    assert found["largestError"] == 0.0
    items = [edge["node"] for edge in found["items"]["edges"]]
    assert items
    assert items == sorted(items, key=lambda item: -item["impressions"])
    assert found["segments"]["edges"]


async def test_what_cannot_be_is_refused_with_a_path(house):
    for variables in ({"scenario": "no_such", "sample": 5}, {"scenario": "home", "sample": 0}):
        answer = await house.ask(DEMAND, variables, by=Scope.ADMIN)
        assert answer["errors"]
        assert answer.get("data") is None


async def test_trends_of_few_customers_tell_nothing_of_anybody(house):
    found = (await house.data(TRENDS, {}, by=Scope.ADMIN))["trends"]
    assert found["asked"] == found["customers"]
    assert (found["rising"], found["scarce"], found["unmet"]) == ([], [], [])
