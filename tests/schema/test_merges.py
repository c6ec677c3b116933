"""Merging, splitting and reviewing through GraphQL."""

from typing import Any

from hub.auth.model import Scope
from tests.schema.conftest import House, document, identify

MERGE = {"operation": "Merge", "by": Scope.AGENT}
SPLIT = {"operation": "Split", "by": Scope.AGENT}
TIMELINE = """query($for: CustomerRef!, $first: Int!, $after: String, $kinds: [TimelineKind!]) {
  customer(by: $for) { timeline(first: $first, after: $after, kinds: $kinds) {
    edges { node { at kind title } } pageInfo { hasNextPage endCursor } } } }"""
REVIEWS = """query { mergeReviews(first: 50) { edges { node {
  id kind state identity score evidence { text at source } customers { id identities { type value } } } } } }"""
DECIDE = """mutation($input: DecideMergeReviewInput!) { decideMergeReview(input: $input) {
  review { id state decidedBy reason } customer { id identities { type value } } errors { __typename code path } } }"""
HISTORY = """query($for: CustomerRef!) { mergeHistory(by: $for) {
  kind by reason evidence { text source } customerIds } }"""


async def merge(house: House, into: Any, *others: Any, **how: Any) -> dict[str, Any]:
    given = {"into": into, "from": list(others), "reason": "same card"}
    done = await house.data(document("operations"), {"input": given}, **(MERGE | how))
    return done["mergeCustomers"]


async def split(house: House, who: Any, *identities: str, **how: Any) -> dict[str, Any]:
    named = [{"type": "user_id", "value": one} for one in identities]
    given = {"for": who, "identities": named, "reason": "a mistake"}
    done = await house.data(document("operations"), {"input": given}, **(SPLIT | how))
    return done["splitCustomer"]


def keys(customer: dict[str, Any]) -> set[str]:
    return {f"{one['type']}:{one['value']}" for one in customer["identities"]}


class TestMergeAndSplit:
    async def test_there_and_back(self, house: House) -> None:
        for name in ("mona", "nora"):
            await house.person(name)
        done = await merge(house, {"userId": "mona"}, {"email": "NORA@example.com"})
        assert done["errors"] == []
        assert keys(done["customer"]) == {
            "user_id:mona", "user_id:nora", "email:mona@example.com", "email:nora@example.com",
        }  # fmt: skip
        back = await split(house, {"userId": "mona"}, "nora")
        assert back["errors"] == []
        assert [keys(one) for one in back["customers"]] == [
            {"user_id:mona", "email:mona@example.com"},
            {"user_id:nora", "email:nora@example.com"},
        ]
        assert back["customers"][0]["id"] == done["customer"]["id"]
        told = (await house.data(HISTORY, {"for": {"userId": "mona"}}, by=Scope.AGENT))["mergeHistory"]
        assert [(one["kind"], one["by"], one["reason"]) for one in told] == [
            ("SPLIT", "agent", "a mistake"),
            ("MERGE", "agent", "same card"),
        ]
        assert {tuple(one["customerIds"]) for one in told} == {tuple(one["id"] for one in back["customers"])}

    async def test_impossible_ones_are_typed_errors_and_change_nothing(self, house: House) -> None:
        await house.person("olga")
        before = [await house.rows(name) for name in ("profiles", "merges", "events")]
        olga = {"userId": "olga"}
        for done, code, path in (
            (await merge(house, olga, olga), "SAME_CUSTOMER", ["input", "from", "0"]),
            (await merge(house, olga, {"userId": "zz"}), "UNKNOWN_CUSTOMER", ["input", "from", "0"]),
            (await merge(house, olga, {"phone": "12"}), "BAD_PHONE", ["input", "from", "0", "phone"]),
            (await merge(house, olga), "NOTHING_TO_MERGE", ["input", "from"]),
            (await split(house, olga, "olga"), "NEVER_MERGED", ["input", "identities"]),
            (await split(house, olga, "zz"), "UNKNOWN_IDENTITY", ["input", "identities", "0"]),
            (await split(house, {"userId": "zz"}, "olga"), "UNKNOWN_CUSTOMER", ["input", "for"]),
        ):
            [error] = done.pop("errors")
            assert (error["code"], error["path"]) == (code, path)
            assert list(done.values()) == [None]
        assert [await house.rows(name) for name in ("profiles", "merges", "events")] == before

    async def test_is_for_agents(self, house: House) -> None:
        for scope in (Scope.BROWSE, Scope.RENDERER, Scope.INGEST):
            done = await merge(house, {"userId": "ada"}, {"userId": "bob"}, by=scope)
            assert [error["code"] for error in done["errors"]] == ["FORBIDDEN"]
            done = await split(house, {"userId": "ada"}, "bob", by=scope)
            assert [error["code"] for error in done["errors"]] == ["FORBIDDEN"]
            assert await house.refusal(REVIEWS, by=scope) == "FORBIDDEN"
            assert await house.refusal(HISTORY, {"for": {"userId": "ada"}}, by=scope) == "FORBIDDEN"


class TestReviews:
    async def contradiction(self, house: House, one: str, other: str) -> dict[str, Any]:
        for name in (one, other):
            message = identify(name, email=f"family-{one}@example.com")
            await house.services.ingest.record([message], source="test")
        found = (await house.data(REVIEWS, by=Scope.AGENT))["mergeReviews"]["edges"]
        [review] = [e["node"] for e in found if e["node"]["identity"] == f"email:family-{one}@example.com"]
        return review

    async def test_a_shared_address_is_a_question_that_an_agent_answers_with_yes(self, house: House) -> None:
        review = await self.contradiction(house, "pia", "quin")
        assert (review["kind"], review["state"], review["score"]) == ("SHARED_ADDRESS", "OPEN", None)
        assert [proof["source"] for proof in review["evidence"]] == ["i-quin"]
        assert len(review["customers"]) == 2
        given = {"input": {"reviewId": review["id"], "accept": True, "reason": "they called"}}
        for _ in range(2):
            done = (await house.data(DECIDE, given, by=Scope.AGENT))["decideMergeReview"]
            assert done["errors"] == []
            assert done["review"]["state"] == "ACCEPTED"
            assert {"user_id:pia", "user_id:quin"} <= keys(done["customer"])
        told = (await house.data(HISTORY, {"for": {"userId": "quin"}}, by=Scope.AGENT))["mergeHistory"]
        assert [(one["kind"], one["by"], one["reason"]) for one in told] == [
            ("MERGE", "agent", "they called")
        ]
        assert [proof["source"] for proof in told[0]["evidence"]] == ["i-quin", review["id"]]

    async def test_or_with_no_which_is_remembered(self, house: House) -> None:
        review = await self.contradiction(house, "rita", "sam")
        given = {"reviewId": review["id"], "accept": False}
        done = (await house.data(DECIDE, {"input": given}, by=Scope.AGENT))["decideMergeReview"]
        assert (done["review"]["state"], done["customer"]) == ("REFUSED", None)
        again = {"input": given | {"accept": True}}
        done = (await house.data(DECIDE, again, by=Scope.AGENT))["decideMergeReview"]
        assert done["errors"] == [
            {"__typename": "ConflictError", "code": "ALREADY_DECIDED", "path": ["input", "accept"]}
        ]
        await house.services.ingest.record(
            [identify("sam", email="family-rita@example.com") | {"messageId": "i-sam-2"}], source="test"
        )
        found = (await house.data(REVIEWS, by=Scope.AGENT))["mergeReviews"]["edges"]
        assert review["id"] not in [edge["node"]["id"] for edge in found]

    async def test_an_unknown_one_is_a_typed_error(self, house: House) -> None:
        given = {"input": {"reviewId": "rev_x", "accept": True}}
        done = (await house.data(DECIDE, given, by=Scope.AGENT))["decideMergeReview"]
        assert [error["code"] for error in done["errors"]] == ["UNKNOWN_REVIEW"]


class TestTimeline:
    async def test_is_one_list_over_events_served_experiences_and_merges(self, house: House) -> None:
        for name in ("tess", "umar"):
            await house.person(name)
        for _ in range(2):
            await house.data(document("web"), {"for": {"userId": "tess"}, "scenario": "home"}, by=Scope.ADMIN)
        await merge(house, {"userId": "umar"}, {"userId": "tess"})
        given: dict[str, Any] = {"for": {"userId": "tess"}, "first": 50}
        whole = (await house.data(TIMELINE, given, by=Scope.AGENT))["customer"]["timeline"]["edges"]
        assert sorted(edge["node"]["kind"] for edge in whole) == [
            "IDENTIFIED", "IDENTIFIED", "MERGED", "SERVED", "SERVED",
        ]  # fmt: skip
        pages, after = [], None
        while True:
            page = (await house.data(TIMELINE, given | {"first": 2, "after": after}, by=Scope.AGENT))[
                "customer"
            ]
            pages += page["timeline"]["edges"]
            if not page["timeline"]["pageInfo"]["hasNextPage"]:
                break
            after = page["timeline"]["pageInfo"]["endCursor"]
        assert pages == whole
        kinds = given | {"kinds": ["SERVED", "MERGED"]}
        some = (await house.data(TIMELINE, kinds, by=Scope.AGENT))["customer"]["timeline"]["edges"]
        assert some == [edge for edge in whole if edge["node"]["kind"] in {"SERVED", "MERGED"}]
        await split(house, {"userId": "umar"}, "tess")
        apart = (await house.data(TIMELINE, given, by=Scope.AGENT))["customer"]["timeline"]["edges"]
        assert sorted(edge["node"]["kind"] for edge in apart) == [
            "IDENTIFIED", "MERGED", "SERVED", "SERVED", "SPLIT",
        ]  # fmt: skip


class TestByHand:
    MERGE = """mutation($input: MergeCustomersInput!) { mergeCustomers(input: $input) {
      customer { id } errors { __typename code path } } }"""

    async def merge(self, house: House, one: str, other: str, *evidence: Any) -> dict[str, Any]:
        given = {"into": {"userId": one}, "from": [{"userId": other}], "evidence": list(evidence)}
        return (await house.data(self.MERGE, {"input": given}, by=Scope.AGENT))["mergeCustomers"]

    async def test_evidence_is_in_the_audit_trail(self, house: House) -> None:
        for name in ("otis", "paula"):
            await house.person(name)
        proof = {"text": "she said so on the telephone", "source": "ticket 4711"}
        assert (await self.merge(house, "otis", "paula", proof))["errors"] == []
        [told] = (await house.data(HISTORY, {"for": {"userId": "otis"}}, by=Scope.AGENT))["mergeHistory"]
        assert told["evidence"] == [proof]

    async def test_evidence_that_says_nothing_is_refused(self, house: House) -> None:
        for name in ("quinn", "rosa"):
            await house.person(name)
        done = await self.merge(house, "quinn", "rosa", {"text": " ", "source": "x"})
        [error] = done["errors"]
        assert (error["__typename"], error["path"]) == (
            "InvalidInputError",
            ["input", "evidence", "0", "text"],
        )
        assert done["customer"] is None
        assert (await house.data(HISTORY, {"for": {"userId": "quinn"}}, by=Scope.AGENT)) == {
            "mergeHistory": []
        }

    async def test_a_review_that_it_answers_waits_no_more(self, house: House) -> None:
        same = {"email": "sverre-and-tuva@example.com", "email_verified": True}
        await house.services.ingest.record(
            [identify(name, **same) for name in ("sverre", "tuva")], source="test"
        )

        async def waiting() -> list[Any]:
            edges = (await house.data(REVIEWS, by=Scope.AGENT))["mergeReviews"]["edges"]
            return [edge["node"] for edge in edges if edge["node"]["identity"] == f"email:{same['email']}"]

        [review] = await waiting()
        assert len(review["customers"]) == 2
        assert (await self.merge(house, "sverre", "tuva"))["errors"] == []
        assert await waiting() == []
        assert len((await split(house, {"userId": "sverre"}, "tuva"))["customers"]) == 2
        assert [one["id"] for one in await waiting()] == [review["id"]]
