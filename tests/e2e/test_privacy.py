"""A customer's rights over a running hub: whose they are, and the signal a browser sends."""

import httpx
import pytest

from tests.e2e.customers import Shopper


class TestBadInput:
    @pytest.mark.parametrize(
        ("operation", "field"), [("Export", "exportCustomer"), ("Erase", "eraseCustomer")]
    )
    def test_of_somebody_unknown_is_a_typed_error(self, hub, operation, field):
        answer = hub.data(
            hub.contract("control"),
            {"input": {"for": {"userId": "nobody-at-all"}}},
            operation=operation,
            key="agent",
        )[field]
        assert [error["code"] for error in answer["errors"]] == ["UNKNOWN_CUSTOMER"]

    @pytest.mark.parametrize(
        ("operation", "field"), [("Export", "exportCustomer"), ("Erase", "eraseCustomer")]
    )
    def test_of_somebody_else_is_forbidden(self, hub, operation, field):
        other = Shopper(hub, first_name="Other")
        answer = hub.data(
            hub.contract("control"),
            {"input": {"for": other.ref}},
            operation=operation,
            key="browse",
            token=hub.keys["tokens"]["persona-ada"],
        )[field]
        assert [error["code"] for error in answer["errors"]] == ["FORBIDDEN"]


def test_global_privacy_control_is_heeded_on_a_page_and_in_what_is_sent(hub):
    shopper = Shopper(hub, first_name="Gip")
    shopper.track("Product Viewed", product_id="seat-oak-slow-close")
    page = {"for": shopper.ref, "scenario": "home"}
    query = (
        "query($for: CustomerRef!, $scenario: String!) { experience(for: $for, channel: WEB, scenario: $scenario,"
        " preview: true) { ranking(first: 5) { why { contributions { layer { name } contribution } } } } }"
    )

    def personal(**headers: str) -> bool:
        answer = httpx.post(
            f"{hub.url}/graphql",
            json={"query": query, "variables": page},
            headers={"Authorization": f"Bearer {hub.keys['admin']}", **headers},
        )
        items = answer.json()["data"]["experience"]["ranking"]
        parts = [part for item in items for part in item["why"]["contributions"]]
        return any(
            part["contribution"] for part in parts if part["layer"]["name"] in {"interests", "session"}
        )

    assert personal()
    assert not personal(**{"Sec-GPC": "1"})
    assert personal()
    body = {"userId": shopper.user_id, "event": "Product Viewed", "properties": {"product_id": "rose-food"}}
    taken = httpx.post(
        f"{hub.url}/v1/track", json=body, auth=(hub.keys["ingest"], ""), headers={"Sec-GPC": "1"}
    )
    assert taken.status_code == 200
    assert not personal()  # the signal was an objection, and nothing was said against it
    shopper.consents("PERSONALIZATION", "GRANTED")
    assert personal()
    assert httpx.get(f"{hub.url}/.well-known/gpc.json").json()["gpc"] is True
