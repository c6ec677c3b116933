"""The demand outlook and trends over GraphQL: for administrators alone, and leaving no trace."""

import pytest

from hub.auth.model import Scope
from hub.profiles.model import CustomerRef
from resolvers import answers
from resolvers.context import Context

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

GAPS = """query($days: Int! = 28) {
  contentGaps(days: $days) {
    since questions unanswered
    gaps(first: 2) { totalCount edges { node {
      wording customers times wordings lastAskedAt nearest { key title confidence answer { version } } } } }
    doubtful(first: 2) { edges { node { wording } } }
    askedAgain { answer { key } customers again share }
  }
}"""
ASK = """query($question: String!, $for: CustomerRef, $channel: Channel, $preview: Boolean! = false) {
  answer(question: $question, for: $for, channel: $channel, preview: $preview) { confidence answer { key } }
}"""


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.ADMIN])
async def test_nobody_but_an_administrator_reads_them(house, scope):
    for document in (DEMAND, TRENDS, GAPS):
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


async def test_what_was_asked_in_vain_on_any_channel_is_told_and_a_preview_is_not(house):
    people = [f"asks-{n}" for n in range(6)]
    for user in people:
        await house.person(user)

    async def ask(user, question, **more):
        browsing = {"by": Scope.BROWSE, "customer": user, **more}
        agent = {"by": Scope.AGENT, **more}
        channel = "WEB" if int(user[-1]) % 2 else "SERVICE_DESK"
        given = {"question": question, "for": {"userId": user}, "channel": channel}
        how = browsing if channel == "WEB" else agent
        return await house.data(ASK, given | how.pop("variables", {}), **how)

    before = await house.rows("questions")
    for user in people:
        tried = await ask(user, "Garden scissors sharpened, please", variables={"preview": True})
        assert tried["answer"]["answer"] is None
    await house.services.questions.settle()
    assert await house.rows("questions") == before
    assert (await house.data(GAPS, by=Scope.ADMIN))["contentGaps"]["gaps"]["edges"] == []
    for user in people:
        assert (await ask(user, "Garden scissors sharpened, please"))["answer"]["answer"] is None
    told = (await house.data(GAPS, by=Scope.ADMIN))["contentGaps"]
    assert told["unanswered"] >= len(people)
    [gap] = [edge["node"] for edge in told["gaps"]["edges"]]
    assert (gap["wording"], gap["customers"], gap["times"]) == ("Garden scissors sharpened, please", 6, 6)


async def test_a_front_end_with_a_token_alone_is_its_customer(house):
    await house.person("tokened")
    before = await house.rows("questions")
    await house.data(ASK, {"question": "Is there a lift?"}, by=Scope.BROWSE, customer="tokened")
    await house.services.questions.settle()
    profile = await house.services.profiles.find(CustomerRef("user_id", "tokened"))
    rows = await house.store.db["questions"].find({"profile_id": profile.id}).to_list()
    assert (len(rows), await house.rows("questions")) == (1, before + 1)


async def test_how_far_to_look_back_has_bounds(house):
    for days in (0, 401):
        assert await house.refusal(GAPS, {"days": days}, by=Scope.ADMIN) == "INVALID_INPUT"


async def test_nothing_asked_under_global_privacy_control_is_kept(house):
    await house.person("private")
    before = await house.rows("questions")
    headers = {name.lower(): value for name, value in house.headers(Scope.BROWSE, "private").items()}
    caller = await house.auth.authenticate(headers)
    for gpc, kept in ((True, 0), (False, 1)):
        context = Context(house.services, caller, house.services.clock.now(), gpc=gpc)
        await answers.answer(context, "Is there a lift?", None, None, preview=False)
        await house.services.questions.settle()
        assert await house.rows("questions") == before + kept
