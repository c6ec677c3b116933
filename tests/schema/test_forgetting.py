"""`forgetEvents` for the customer themselves: by the ids that evidence and timeline give."""

import pytest

from hub.auth.model import Scope

MINE = """{ viewer { interests { edges { node { kind evidence { eventId text times content { key } } } } }
  preferences { key eventId } timeline(first: 1, kinds: [SEARCHED]) { edges { node { id } } } } }"""
FORGET = """mutation($input: ForgetEventsInput!) { forgetEvents(input: $input) {
  customer { interests { edges { node { label } } } preferences { key } } errors { __typename code path } } }"""


@pytest.fixture
async def searcher(house, request) -> dict:
    who = f"searcher-{abs(hash(request.node.name))}"
    await house.person(who)
    for number, (event, told) in enumerate(
        [
            ("Products Searched", {"query": "climbing roses"}),
            ("Preferences Set", {"preferences": {"likes": "roses"}}),
        ]
    ):
        message = {
            "type": "track", "userId": who, "event": event, "properties": told, "messageId": f"search-{number}-{who}",
        }  # fmt: skip
        await house.services.ingest.record([message], source="test")
    return {"by": Scope.BROWSE, "customer": who}


async def test_a_customer_takes_back_a_search_and_a_wish(house, searcher):
    mine = (await house.data(MINE, **searcher))["viewer"]
    proofs = [proof for edge in mine["interests"]["edges"] for proof in edge["node"]["evidence"]]
    assert {proof["text"]: (proof["times"], proof["content"]) for proof in proofs} == {
        "climbing roses": (1, None),
        "roses": (1, None),
    }
    [searched] = [proof["eventId"] for proof in proofs if proof["text"] == "climbing roses"]
    assert searched == mine["timeline"]["edges"][0]["node"]["id"]
    [wish] = [one["eventId"] for one in mine["preferences"]]
    done = await house.data(FORGET, {"input": {"eventIds": [searched, wish]}}, **searcher)
    assert done["forgetEvents"] == {
        "customer": {"interests": {"edges": []}, "preferences": []},
        "errors": [],
    }


@pytest.mark.parametrize(
    ("how", "ids", "error"),
    [
        ({"by": Scope.BROWSE, "customer": "ada"}, ["theirs"], ("NotFoundError", "UNKNOWN_EVENT", ["eventIds", "0"])),
        ({"by": Scope.BROWSE, "customer": "ada"}, [], ("InvalidInputError", "NOTHING_TO_FORGET", ["eventIds"])),
        ({"by": Scope.BROWSE, "customer": "ada"}, ["Q3VzdG9tZXI6eA"], ("InvalidInputError", "INVALID_INPUT", ["eventIds", "0"])),
        ({"by": Scope.BROWSE}, ["theirs"], ("ForbiddenError", "FORBIDDEN", [])),
        ({"by": Scope.RENDERER}, ["theirs"], ("ForbiddenError", "FORBIDDEN", [])),
    ],
)  # fmt: skip
async def test_nobody_else_forgets_it_for_them(house, searcher, how, ids, error):
    before = await house.rows("events")
    ids = [f"search-0-{searcher['customer']}" if one == "theirs" else one for one in ids]
    done = (await house.data(FORGET, {"input": {"eventIds": ids}}, **how))["forgetEvents"]
    assert done["customer"] is None
    kind, code, path = error
    [told] = done["errors"]
    assert (told["__typename"], told["code"]) == (kind, code)
    assert told["path"][-len(path) :] == path if path else True
    assert await house.rows("events") == before


GIVEN = """query($first: Int, $after: String, $kinds: [FeedbackKind!]) { viewer {
  feedback(first: $first, after: $after, kinds: $kinds) {
    edges { node { contentKey kind content { title } } } pageInfo { hasNextPage endCursor } } } }"""


async def test_a_customer_sees_what_they_hid_and_takes_it_back(house, searcher):
    who = searcher["customer"]
    for key, kind in (("rose-1", "HIDE"), ("rose-2", "MORE"), ("gone", "HIDE")):
        message = {
            "type": "track", "userId": who, "event": "Feedback Given", "messageId": f"{kind}-{key}-{who}",
            "properties": {"kind": kind, "content_key": key},
        }  # fmt: skip
        await house.services.ingest.record([message], source="test")
    page = (await house.data(GIVEN, {"first": 2}, **searcher))["viewer"]["feedback"]
    assert [edge["node"]["contentKey"] for edge in page["edges"]] == ["gone", "rose-1"]
    assert page["edges"][0]["node"]["content"] is None
    assert page["edges"][1]["node"]["content"]["title"]
    rest = {"first": 2, "after": page["pageInfo"]["endCursor"]}
    [left] = (await house.data(GIVEN, rest, **searcher))["viewer"]["feedback"]["edges"]
    assert (left["node"]["contentKey"], left["node"]["kind"]) == ("rose-2", "MORE")
    done = await house.data(FORGET, {"input": {"eventIds": [f"HIDE-rose-1-{who}"]}}, **searcher)
    assert done["forgetEvents"]["errors"] == []
    hidden = (await house.data(GIVEN, {"first": 9, "kinds": ["HIDE"]}, **searcher))["viewer"]["feedback"]
    assert [edge["node"]["contentKey"] for edge in hidden["edges"]] == ["gone"]
