"""Segments over GraphQL: defined, counted and listed by administrators alone."""

import pytest

from hub.auth.model import Scope
from tests.schema.conftest import identify, track

PUT = """mutation($input: PutSegmentInput!) { putSegment(input: $input) {
  segment { key title rule favours version members } errors { __typename code path } } }"""
SEE = "{ segments { key title version members favours rule } }"
DELETE = """mutation($input: DeleteSegmentInput!) { deleteSegment(input: $input) {
  segment { key rule version } errors { code path } } }"""
WHO = """query($key: String!, $first: Int!, $after: String) { segmentMembers(key: $key, first: $first, after: $after) {
  edges { node { displayName segments { key } } } pageInfo { hasNextPage endCursor } } }"""
SIZE = "query($rule: JSON!) { segmentSize(rule: $rule) }"
ROSES = {"trait": "club", "is": "roses"}


def defined(key="rose-club", **given):
    return {"input": {"key": key, "title": "the rose club", "rule": ROSES, **given}}


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.ADMIN])
class TestOthersThanAdministrators:
    async def test_delete_nothing(self, house, scope):
        await house.data(PUT, defined("kept", rule={"trait": "club", "is": "none"}))
        before = await house.rows("segments")
        data = await house.data(DELETE, {"input": {"key": "kept"}}, by=scope)
        assert data["deleteSegment"]["errors"][0]["code"] == "FORBIDDEN"
        assert await house.rows("segments") == before

    async def test_define_nothing(self, house, scope):
        before = await house.rows("segments")
        data = await house.data(PUT, defined(), by=scope)
        assert data["putSegment"]["errors"][0]["code"] == "FORBIDDEN"
        assert await house.rows("segments") == before

    @pytest.mark.parametrize(
        ("query", "given"), [(SEE, {}), (WHO, {"key": "a", "first": 2}), (SIZE, {"rule": ROSES})]
    )
    async def test_see_nothing(self, house, scope, query, given):
        assert await house.refusal(query, given, by=scope) == "FORBIDDEN"


class TestAdministrators:
    async def test_define_count_list_and_define_anew(self, house):
        people = [identify(f"rose-{n}", name=f"Rosie {n}", club="roses") for n in range(3)]
        await house.services.ingest.record(people, source="test")
        assert (await house.data(SIZE, {"rule": ROSES}))["segmentSize"] == 3
        made = (await house.data(PUT, defined(favours=["garden/roses"])))["putSegment"]
        assert made["errors"] == []
        assert made["segment"] == {
            "key": "rose-club", "title": "the rose club", "rule": ROSES, "favours": ["garden/roses"],
            "version": 1, "members": 3,
        }  # fmt: skip
        page = (await house.data(WHO, {"key": "rose-club", "first": 2}))["segmentMembers"]
        assert [e["node"]["segments"] for e in page["edges"]] == [[{"key": "rose-club"}]] * 2
        assert page["pageInfo"]["hasNextPage"]
        rest = {"key": "rose-club", "first": 2, "after": page["pageInfo"]["endCursor"]}
        last = (await house.data(WHO, rest))["segmentMembers"]
        names = {e["node"]["displayName"] for e in (*page["edges"], *last["edges"])}
        assert names == {"Rosie 0", "Rosie 1", "Rosie 2"}
        again = (await house.data(PUT, defined(title="rosarians")))["putSegment"]["segment"]
        assert (again["title"], again["version"]) == ("rosarians", 2)
        assert "rose-club" in {each["key"] for each in (await house.data(SEE))["segments"]}

    async def test_delete_for_good_and_define_again_as_a_later_version(self, house):
        await house.data(PUT, defined("short-lived"))
        gone = (await house.data(DELETE, {"input": {"key": "short-lived"}}))["deleteSegment"]
        assert gone["errors"] == []
        assert gone["segment"] == {"key": "short-lived", "rule": ROSES, "version": 1}
        assert "short-lived" not in {each["key"] for each in (await house.data(SEE))["segments"]}
        assert await house.refusal(WHO, {"key": "short-lived", "first": 2}) == "UNKNOWN_SEGMENT"
        again = (await house.data(DELETE, {"input": {"key": "short-lived"}}))["deleteSegment"]
        assert again["segment"] is None
        assert [(e["code"], e["path"]) for e in again["errors"]] == [("UNKNOWN_SEGMENT", ["input", "key"])]
        back = (await house.data(PUT, defined("short-lived", title="other ones")))["putSegment"]["segment"]
        assert (back["title"], back["version"]) == ("other ones", 2)

    async def test_who_refused_to_be_profiled_is_in_no_list(self, house):
        said = {"purpose": "PERSONALIZATION", "state": "DENIED"}
        messages = [
            identify("shy", club="shy"),
            track("Consent Preference Updated", "shy1", 1, said, userId="shy"),
        ]
        await house.services.ingest.record(messages, source="test")
        await house.data(PUT, defined("shy-club", rule={"trait": "club", "is": "shy"}))
        page = (await house.data(WHO, {"key": "shy-club", "first": 5}))["segmentMembers"]
        assert page["edges"] == []
        own = await house.data('{ customer(by: {userId: "shy"}) { segments { key } } }')
        assert own["customer"]["segments"] == []

    @pytest.mark.parametrize(
        ("given", "code", "path"),
        [
            ({"key": "Rose Club"}, "INVALID_SEGMENT", ["input", "key"]),
            ({"title": ""}, "INVALID_SEGMENT", ["input", "title"]),
            ({"rule": 5}, "INVALID_SEGMENT", ["input", "rule"]),
            ({"rule": {"did": "DANCED"}}, "INVALID_RULE", ["input", "rule", "did"]),
            ({"favours": ["moon"]}, "UNKNOWN_CATEGORY", ["input", "favours", "0"]),
        ],
    )
    async def test_what_makes_no_sense_is_refused(self, house, given, code, path):
        before = await house.rows("segments")
        refused = (await house.data(PUT, defined(**{"key": "new", **given})))["putSegment"]
        assert refused["segment"] is None
        assert [(e["code"], e["path"]) for e in refused["errors"]] == [(code, path)]
        assert await house.rows("segments") == before

    async def test_an_unknown_segment_or_rule_is_told(self, house):
        assert await house.refusal(WHO, {"key": "none", "first": 2}) == "UNKNOWN_SEGMENT"
        assert await house.refusal(SIZE, {"rule": {"sings": True}}) == "INVALID_RULE"
        assert await house.refusal(SIZE, {"rule": [1]}) == "INVALID_RULE"
