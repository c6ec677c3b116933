"""Every document that our users send, as it stands, against a hub as they have it."""

import base64

import pytest

from tests.e2e.customers import Shopper


@pytest.fixture(scope="module")
def persona(hub):
    """A persona with email consent and a rich history."""
    for user_id in hub.keys["personas"]:
        message = hub.data(
            hub.contract("email"), {"for": {"userId": user_id}, "scenario": "newsletter", "preview": True}
        )["experience"]
        if message["withheld"] is None:
            return user_id
    pytest.fail("no persona can be written to")


def test_web_page(hub, persona):
    page = hub.data(
        hub.contract("web"),
        {"for": {"userId": persona}, "scenario": "home"},
        key="browse",
        token=hub.keys["tokens"][persona],
    )["experience"]
    assert page["channel"] == "WEB"
    assert page["servedId"]
    assert page["scenario"]["key"] == "home"
    assert page["degraded"] is None
    assert page["brand"]["voice"]
    assert page["brand"]["claims"]
    assert [slot["key"] for slot in page["slots"] if slot["items"]]
    keys = [item["content"]["key"] for slot in page["slots"] for item in slot["items"]]
    assert len(keys) == len(set(keys))
    for slot in page["slots"]:
        positions = [item["position"] for item in slot["items"]]
        assert positions == sorted(positions)
        for item in slot["items"]:
            assert item["why"]["sentence"]
            parts = [part["contribution"] for part in item["why"]["contributions"]]
            assert sum(parts) == pytest.approx(item["score"], abs=1e-9)


def test_web_page_of_someone_never_seen_before(hub):
    page = hub.data(
        hub.contract("web"), {"for": {"anonymousId": "nobody-yet"}, "scenario": "home"}, key="browse"
    )["experience"]
    assert page["moment"]["key"] == "first_visit"
    assert sum(len(slot["items"]) for slot in page["slots"]) >= 6


def test_email_message(hub, persona):
    message = hub.data(
        hub.contract("email"), {"for": {"userId": persona}, "scenario": "newsletter"}, key="renderer"
    )["experience"]
    assert message["withheld"] is None
    assert "@" in message["to"]
    assert message["subject"]
    assert message["preheader"]
    assert message["html"].lstrip().lower().startswith("<!doctype html")
    headers = {header["name"]: header["value"] for header in message["headers"]}
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<http")
    titles = [item["content"]["title"] for slot in message["slots"] for item in slot["items"]]
    assert titles
    assert all(title in message["text"] for title in titles)


def test_service_desk(hub, persona):
    hub.data(hub.contract("web"), {"for": {"userId": persona}, "scenario": "home"})
    answer = hub.data(
        hub.contract("service_desk"),
        {"for": {"userId": persona}, "question": "How do I send something back?"},
        key="agent",
    )
    customer, desk = answer["customer"], answer["experience"]
    assert customer["displayName"]
    assert {"type": "user_id", "value": persona}.items() <= customer["identities"][0].items() or any(
        identity["value"] == persona for identity in customer["identities"]
    )
    assert customer["interests"]["edges"]
    assert customer["interests"]["edges"][0]["node"]["evidence"]
    assert customer["timeline"]["edges"]
    assert "WEB" in {edge["node"]["channel"] for edge in customer["served"]["edges"]}
    assert desk["brief"]
    assert desk["suggestions"]
    assert answer["answer"]["answer"]["text"]
    assert answer["answer"]["confidence"] > 0.5


def test_service_desk_without_a_question_and_for_a_stranger(hub):
    answer = hub.data(
        hub.contract("service_desk"), {"for": {"email": "stranger@nowhere.example"}}, key="agent"
    )
    assert answer["customer"] is None
    assert answer["answer"] is None
    assert answer["experience"]["brief"]


def test_mixing_desk(hub, persona):
    desk = hub.data(
        hub.contract("mixing_desk"), {"for": {"userId": persona}, "scenario": "home", "mix": None}
    )
    names = {layer["name"] for layer in desk["layers"]}
    assert {"base", "interests", "session", "declared", "needs"} <= names
    assert desk["scenario"]["goal"]["metric"] == "Order Completed"
    rankings = [
        [item["content"]["key"] for item in desk[channel]["ranking"]] for channel in ("web", "email", "desk")
    ]
    assert rankings[0]
    assert rankings[0] == rankings[1] == rankings[2]
    for edge in desk["web"]["suppressed"]["edges"]:
        assert edge["node"]["gate"]
        assert edge["node"]["rule"]


def test_the_customer_in_control(hub):
    customer = Shopper(hub, first_name="Story")
    customer.buys("seat-oak-slow-close")
    document = hub.contract("control")
    token = _token_of(hub, customer.user_id)

    def send(operation, given):
        return hub.data(document, {"input": given}, operation=operation, key="browse", token=token)

    preferred = send("Prefer", {"preferences": [{"key": "likes", "value": "roses, not lilies"}]})[
        "setPreferences"
    ]
    assert preferred["errors"] == []
    assert preferred["customer"]["preferences"]
    consented = send("Consent", {"purpose": "EMAIL_MARKETING", "state": "GRANTED"})["setConsent"]
    assert consented["errors"] == []
    before = hub.data(document, operation="MyProfile", key="browse", token=token)["viewer"]
    assert {"DECLARED"} <= {edge["node"]["kind"] for edge in before["interests"]["edges"]}
    hidden = send("Feedback", {"contentKey": "seat-white-family", "kind": "HIDE"})["giveFeedback"]
    assert hidden["errors"] == []
    switched = send("SwitchLayer", {"layer": "needs", "enabled": False})["switchLayer"]
    assert switched["errors"] == []
    after = hub.data(document, operation="MyProfile", key="browse", token=token)["viewer"]
    assert {layer["layer"]["name"]: layer["enabled"] for layer in after["layers"]}["needs"] is False
    interest = after["interests"]["edges"][0]["node"]
    corrected = send("CorrectInterest", {"interestId": interest["id"], "action": "REMOVE"})["correctInterest"]
    assert corrected["errors"] == []
    left = hub.data(document, operation="MyProfile", key="browse", token=token)["viewer"]
    assert interest["id"] not in {edge["node"]["id"] for edge in left["interests"]["edges"]}


def _token_of(hub, user_id):
    """Sign a token with the command line, as the shop's own server would ask for one."""
    import os
    import subprocess
    import sys

    answer = subprocess.run(
        [sys.executable, "-m", "hub", "keys", "token", user_id],
        env=os.environ | {"TUTTI_DATA_DIR": str(hub.data_dir)},
        check=True,
        capture_output=True,
        text=True,
    )
    return answer.stdout.strip()


class TestOperations:
    def test_record_events_counts_what_is_new_and_what_is_known(self, hub):
        event = {"type": "track", "userId": "ops-1", "event": "Product Viewed", "messageId": "ops-message-1",
                 "properties": {"product_id": "seat-oak-slow-close"}}  # fmt: skip
        first = hub.data(
            hub.contract("operations"), {"input": {"events": [event]}}, operation="Record", key="ingest"
        )
        again = hub.data(
            hub.contract("operations"), {"input": {"events": [event]}}, operation="Record", key="ingest"
        )
        assert first["recordEvents"] == {"accepted": 1, "duplicates": 0, "errors": []}
        assert again["recordEvents"] == {"accepted": 0, "duplicates": 1, "errors": []}

    def test_replay_gives_the_bytes_that_were_served(self, hub, persona):
        sent = hub.data(hub.contract("email"), {"for": {"userId": persona}, "scenario": "newsletter"})[
            "experience"
        ]
        replays = [
            hub.data(hub.contract("operations"), {"id": sent["servedId"]}, operation="Replay", key="agent")[
                "served"
            ]
            for _ in range(2)
        ]
        assert replays[0] == replays[1]
        assert replays[0]["html"] == sent["html"]
        assert replays[0]["channel"] == "EMAIL"
        assert sent["subject"] in replays[0]["body"]

    def test_an_exposure_is_taken_for_what_was_served_and_refused_otherwise(self, hub, persona):
        page = hub.data(hub.contract("web"), {"for": {"userId": persona}, "scenario": "home"})["experience"]
        seen = hub.data(
            hub.contract("operations"), {"input": {"servedId": page["servedId"]}}, operation="Exposed"
        )
        assert seen["recordExposure"] == {"served": {"id": page["servedId"]}, "errors": []}
        nobody = base64.b64encode(b"Served:srv_unknown").decode()
        refused = hub.data(hub.contract("operations"), {"input": {"servedId": nobody}}, operation="Exposed")
        assert refused["recordExposure"]["served"] is None
        assert refused["recordExposure"]["errors"][0]["code"]

    def test_the_catalogue_pages_to_its_end_and_searches_by_meaning(self, hub):
        document, seen, after = hub.contract("operations"), [], None
        while True:
            page = hub.data(document, {"first": 150, "after": after}, operation="Catalogue")["contents"]
            seen += [edge["node"]["key"] for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert len(seen) == len(set(seen)) == page["totalCount"]
        found = hub.data(
            document, {"first": 5, "search": "something to sit on in the loo"}, operation="Catalogue"
        )
        assert "bathroom/toilet-seats" in {edge["node"]["category"] for edge in found["contents"]["edges"]}

    def test_two_customers_are_merged_and_split_again(self, hub):
        for name in ("one-a", "one-b"):
            message = {"type": "identify", "userId": name, "traits": {"email": f"{name}@example.com"}}
            hub.data(hub.contract("operations"), {"input": {"events": [message]}}, operation="Record")
        given = {"into": {"userId": "one-a"}, "from": [{"userId": "one-b"}], "reason": "same person"}
        merged = hub.data(hub.contract("operations"), {"input": given}, operation="Merge")["mergeCustomers"]
        assert merged["errors"] == []
        assert {one["value"] for one in merged["customer"]["identities"]} >= {"one-a", "one-b"}
        given = {"for": {"userId": "one-a"}, "identities": [{"type": "user_id", "value": "one-b"}]}
        split = hub.data(hub.contract("operations"), {"input": given}, operation="Split")["splitCustomer"]
        assert [{one["value"] for one in each["identities"]} for each in split["customers"]] == [
            {"one-a", "one-a@example.com"},
            {"one-b", "one-b@example.com"},
        ]
