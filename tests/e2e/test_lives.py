"""Identity over HTTP and GraphQL as a running hub answers: many writers at once, crossing merges, bad input."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.customers import Shopper
from tests.e2e.hub_process import HubProcess
from tests.e2e.stored import everything_in

WRITERS = 50
BOUGHT = """query($who: CustomerRef!) { customer(by: $who) { id identities { value }
  timeline(first: 100, kinds: [PURCHASED]) { edges { node { title } } } } }"""
MERGE = """mutation($input: MergeCustomersInput!) { mergeCustomers(input: $input) {
  customer { id } errors { code path } } }"""
SPLIT = """mutation($input: SplitCustomerInput!) { splitCustomer(input: $input) {
  customers { id } errors { code path } } }"""
ERASE = "mutation($input: EraseCustomerInput!) { eraseCustomer(input: $input) { erasure { id } errors { code path } } }"
CONSENT = "mutation($input: SetConsentInput!) { setConsent(input: $input) { customer { id } errors { code path } } }"


async def test_fifty_writers_and_two_crossing_merges_lose_nothing_and_double_nothing(hub: HubProcess) -> None:
    one, other = Shopper(hub), Shopper(hub)
    agent = {"Authorization": f"Bearer {hub.keys['agent']}"}
    async with httpx.AsyncClient(base_url=hub.url, timeout=60) as http:

        async def write(number: int) -> None:
            who = (one, other)[number % 2].user_id
            body = {
                "userId": who, "messageId": f"{who}-{number}", "event": "Order Completed",
                "properties": {"order_id": f"{who}-{number}", "products": [{"product_id": "rose-food-granules"}]},
            }  # fmt: skip
            for _ in range(2):  # as a sender does that did not hear the answer
                answer = await http.post("/v1/track", json=body, auth=(hub.keys["ingest"], ""))
                assert answer.status_code == 200, answer.text

        async def merge(into: Shopper, gone: Shopper) -> list[str]:
            given = {"into": into.ref, "from": [gone.ref], "reason": "they met"}
            answer = await http.post(
                "/graphql", json={"query": MERGE, "variables": {"input": given}}, headers=agent
            )
            return [error["code"] for error in answer.json()["data"]["mergeCustomers"]["errors"]]

        told = await asyncio.gather(
            merge(one, other), merge(other, one), *(write(number) for number in range(WRITERS))
        )
    assert [] in told[:2]
    assert all(codes in ([], ["SAME_CUSTOMER"], ["CONFLICT"]) for codes in told[:2])
    found = [hub.data(BOUGHT, {"who": shopper.ref})["customer"] for shopper in (one, other)]
    assert found[0] == found[1]
    assert {identity["value"] for identity in found[0]["identities"]} == {one.user_id, other.user_id}
    assert len(found[0]["timeline"]["edges"]) == WRITERS


class TestBadInput:
    @pytest.fixture
    def olga(self, hub: HubProcess) -> Shopper:
        return Shopper(hub, name="Olga")

    def unchanged(self, hub: HubProcess, olga: Shopper) -> dict[str, Any]:
        """Return what the store holds that bad input could have touched."""
        kept = (
            "events/",
            "facets/",
            "profiles/",
            "identities/",
            "merges/",
            "reviews/",
            "erasures/",
            "tombstones/",
        )
        mine = olga.user_id.encode()
        return {
            place: held
            for place, held in everything_in(hub).items()
            if place.startswith(kept)
            and (mine in held or place.startswith(("merges/", "erasures/", "tombstones/")))
        }

    def test_through_graphql_is_a_typed_error_and_nothing_changed(
        self, hub: HubProcess, olga: Shopper
    ) -> None:
        before = self.unchanged(hub, olga)
        assert len(before) >= 4
        nobody = {"userId": f"nobody-{uuid4().hex}"}
        named = [{"type": "user_id", "value": olga.user_id}]
        for query, given, code, path in (
            (MERGE, {"into": olga.ref, "from": [olga.ref]}, "SAME_CUSTOMER", ["input", "from", "0"]),
            (MERGE, {"into": olga.ref, "from": [nobody]}, "UNKNOWN_CUSTOMER", ["input", "from", "0"]),
            (
                MERGE,
                {"into": olga.ref, "from": [{"phone": "12"}]},
                "BAD_PHONE",
                ["input", "from", "0", "phone"],
            ),
            (SPLIT, {"for": olga.ref, "identities": named}, "NEVER_MERGED", ["input", "identities"]),
            (ERASE, {"for": nobody}, "UNKNOWN_CUSTOMER", ["input", "for"]),
        ):
            [answer] = hub.data(query, {"input": given}).values()
            assert [(error["code"], error["path"]) for error in answer.pop("errors")] == [(code, path)]
            assert list(answer.values()) == [None]
        refused = hub.ask(
            CONSENT, {"input": {"for": olga.ref, "purpose": "MIND_READING", "state": "GRANTED"}}
        )
        assert "data" not in refused
        assert "MIND_READING" in refused["errors"][0]["message"]
        assert self.unchanged(hub, olga) == before

    def test_through_ingest_is_a_typed_error_and_nothing_changed(
        self, hub: HubProcess, olga: Shopper
    ) -> None:
        before = self.unchanged(hub, olga)
        properties = {"purpose": "MIND_READING", "state": "GRANTED"}
        body = {"userId": olga.user_id, "event": "Consent Preference Updated", "properties": properties}
        answer = httpx.post(f"{hub.url}/v1/track", json=body, auth=(hub.keys["ingest"], ""))
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        told = answer.json()
        assert (told["code"], told["path"]) == ("INVALID_INPUT", ["properties", "purpose"]), told
        assert self.unchanged(hub, olga) == before
