"""What our users send, sent as it stands."""

import json

import pytest

from hub.auth.model import Scope
from hub.ledger.packing import unpacked
from hub.profiles.model import CustomerRef
from tests.schema.conftest import document, track, watching

ADA = {"userId": "ada"}
ADA_REF = CustomerRef("user_id", "ada")


class TestWeb:
    async def test_a_known_visitor_gets_slots_with_exact_reasons_and_a_served_id(self, house):
        data = await house.data(
            document("web"), {"for": ADA, "scenario": "home"}, by=Scope.BROWSE, customer="ada"
        )
        page = data["experience"]
        assert page["channel"] == "WEB"
        assert page["assembledAt"] == "2026-03-02T10:00:00.000Z"
        assert page["scenario"]["key"] == "home"
        assert page["servedId"]
        assert page["degraded"] is None
        assert page["brand"]["claims"][0]["key"] == "repair"
        items = [item for slot in page["slots"] for item in slot["items"]]
        assert items
        for item in items:
            parts = sum(part["contribution"] for part in item["why"]["contributions"])
            assert parts == pytest.approx(item["score"], abs=1e-9)
        assert "rose" in items[0]["content"]["key"]
        assert items[0]["content"]["price"] == {"amount": "12.50", "currency": "GBP"}
        assert [offer["grant"]["state"] for offer in page["offers"]] == ["ISSUED"]

    async def test_first_shortens_every_slot(self, house):
        asked = {"for": ADA, "scenario": "home", "first": 1}
        data = await house.data(document("web"), asked, by=Scope.BROWSE, customer="ada")
        assert {len(slot["items"]) for slot in data["experience"]["slots"]} <= {0, 1}

    async def test_a_muted_layer_plays_no_part(self, house):
        asked = {"for": ADA, "scenario": "home", "mix": {"mute": ["interests"]}}
        data = await house.data(document("web"), asked, by=Scope.BROWSE, customer="ada")
        heard = {
            part["layer"]["name"]
            for slot in data["experience"]["slots"]
            for item in slot["items"]
            for part in item["why"]["contributions"]
        }
        assert heard
        assert "interests" not in heard


class TestEmail:
    async def test_a_finished_message(self, house):
        data = await house.data(document("email"), {"for": ADA, "scenario": "newsletter"}, by=Scope.RENDERER)
        message = data["experience"]
        assert message["withheld"] is None
        assert message["to"] == "ada@example.com"
        assert message["subject"]
        assert "<html" in message["html"]
        assert message["text"]
        assert "List-Unsubscribe-Post" in {header["name"] for header in message["headers"]}

    async def test_without_consent_it_is_withheld_and_nothing_is_kept(self, house):
        before = await house.rows("served")
        data = await house.data(
            document("email"), {"for": {"userId": "bob"}, "scenario": "newsletter"}, by=Scope.RENDERER
        )
        message = data["experience"]
        assert message["withheld"]["code"] == "NO_CONSENT"
        assert message["servedId"] is None
        assert message["to"] is None
        assert message["html"] is None
        assert await house.rows("served") == before


class TestServiceDesk:
    async def test_one_query_feeds_the_whole_screen(self, house):
        await house.data(document("web"), {"for": ADA, "scenario": "home"}, by=Scope.BROWSE, customer="ada")
        asked = {"for": {"email": "ADA@example.com"}, "question": "Can my kettle be repaired?"}
        data = await house.data(document("service_desk"), asked, by=Scope.AGENT)
        customer = data["customer"]
        assert customer["displayName"] == "Ada"
        assert {"type": "email", "value": "ada@example.com"}.items() <= next(
            i for i in customer["identities"] if i["type"] == "email"
        ).items()
        assert {edge["node"]["kind"] for edge in customer["timeline"]["edges"]} >= {
            "VIEWED",
            "READ",
            "PURCHASED",
        }
        assert customer["needs"] == [
            {"category": "kitchen/kettles", "pattern": "ONCE", "satisfiedUntil": None}
        ]
        held = await house.services.offers.grants_of(await house.services.profiles.require(ADA_REF))
        assert [grant["code"] for grant in customer["grants"]] == [grant.code for grant in held]
        assert held
        assert customer["interests"]["edges"]
        seen = [edge["node"] for edge in customer["served"]["edges"]]
        shown = next(row for row in seen if row["channel"] == "WEB")
        assert shown["scenario"] == {"key": "home"}
        assert shown["items"][0]["why"]["sentence"]
        assert data["experience"]["brief"]
        removed = {
            (edge["node"]["content"]["key"], edge["node"]["gate"])
            for edge in data["experience"]["suppressed"]["edges"]
        }
        assert ("kettle", "suppression") in removed
        answer = data["answer"]["answer"]
        assert answer["key"] == "repair"
        assert answer["claims"] == [{"key": "repair", "version": 1}]

    async def test_somebody_never_seen_has_no_customer_but_an_experience(self, house):
        data = await house.data(document("service_desk"), {"for": {"userId": "nobody"}}, by=Scope.AGENT)
        assert data["customer"] is None
        assert data["answer"] is None
        assert data["experience"]["servedId"]

    async def test_the_customer_is_read_once_for_all_fields_that_are_about_them(self, house, monkeypatch):
        found = type(house.services.profiles).find_along
        asked = []

        async def counted(service, ref, besides, **named):
            asked.append(ref)
            return await found(service, ref, besides, **named)

        monkeypatch.setattr(type(house.services.profiles), "find_along", counted)
        data = await house.data(document("service_desk"), {"for": ADA}, by=Scope.AGENT)
        assert data["customer"]["displayName"] == "Ada"
        assert data["experience"]["servedId"]
        assert asked == [ADA_REF]
        await house.data(document("service_desk"), {"for": ADA}, by=Scope.AGENT)
        assert asked == [ADA_REF, ADA_REF]  # and nothing is kept for the next request


class TestMixingDesk:
    async def test_three_previews_share_one_ranking_and_leave_no_trace(self, house):
        before = await house.rows("served")
        data = await house.data(document("mixing_desk"), {"for": ADA, "scenario": "home"})
        rankings = [
            [(item["position"], item["content"]["key"], item["score"]) for item in data[desk]["ranking"]]
            for desk in ("web", "email", "desk")
        ]
        assert rankings[0]
        assert rankings[0] == rankings[1] == rankings[2]
        assert [layer["name"] for layer in data["layers"]][:2] == ["base", "interests"]
        assert data["scenario"]["slots"]
        assert await house.rows("served") == before


class TestReplay:
    async def test_the_body_is_the_bytes_that_were_kept(self, house):
        page = await house.data(
            document("web"), {"for": ADA, "scenario": "home"}, by=Scope.BROWSE, customer="ada"
        )
        served_id = page["experience"]["servedId"]
        row = (await house.data(document("operations"), {"id": served_id}, operation="Replay"))["served"]
        kept = await house.store.db["served"].find_one(
            {"profile_version": row["profileVersion"]}, sort=[("at", -1), ("_id", -1)]
        )
        assert row["id"] == served_id
        assert row["body"].encode() == unpacked(bytes(kept["body"]))
        assert json.loads(row["body"])["slots"]

    async def test_an_unknown_id_is_null(self, house):
        assert await house.data(document("operations"), {"id": "srv_nothing"}, operation="Replay") == {
            "served": None
        }


class TestCatalogue:
    async def test_pages_cover_everything_once(self, house):
        keys, after = [], None
        while True:
            asked = {"first": 4, "after": after}
            page = (await house.data(document("operations"), asked, operation="Catalogue"))["contents"]
            keys += [edge["node"]["key"] for edge in page["edges"]]
            assert page["totalCount"] == 15
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        assert keys == sorted(set(keys))
        assert len(keys) == 15

    async def test_a_search_finds_by_meaning(self, house):
        page = await house.data(document("operations"), {"search": "rose pruning"}, operation="Catalogue")
        assert page["contents"]["edges"][0]["node"]["key"] == "pruning"


class TestControl:
    async def test_the_viewer_sees_what_the_hub_believes(self, house):
        data = await house.data(document("control"), by=Scope.BROWSE, customer="ada", operation="MyProfile")
        viewer = data["viewer"]
        assert viewer["interests"]["edges"]
        assert {"purpose": "EMAIL_MARKETING", "channel": "EMAIL", "state": "GRANTED"} in viewer["consents"]
        assert [row["layer"]["name"] for row in viewer["layers"]] == [*house.services.layers]
        assert all(row["enabled"] and row["effect"].endswith(".") for row in viewer["layers"])

    async def test_hidden_is_gone_on_the_next_call(self, house):
        await house.person("hider")
        asked = {"for": {"userId": "hider"}, "scenario": "home", "first": 50}
        page = await house.data(document("web"), asked, by=Scope.BROWSE, customer="hider")
        key = page["experience"]["slots"][0]["items"][0]["content"]["key"]
        told = {"input": {"contentKey": key, "kind": "HIDE"}}
        done = await house.data(
            document("control"), told, by=Scope.BROWSE, customer="hider", operation="Feedback"
        )
        assert done["giveFeedback"]["errors"] == []
        assert done["giveFeedback"]["customer"]["version"] > 1
        page = await house.data(document("web"), asked, by=Scope.BROWSE, customer="hider")
        shown = {item["content"]["key"] for slot in page["experience"]["slots"] for item in slot["items"]}
        assert shown
        assert key not in shown

    async def test_wishes_are_set_and_taken_back(self, house):
        await house.person("wisher")
        how = {"by": Scope.BROWSE, "customer": "wisher", "operation": "Prefer"}
        wish = {"input": {"preferences": [{"key": "likes", "value": "roses"}, {"key": "size", "value": "M"}]}}
        done = await house.data(document("control"), wish, **how)
        assert done["setPreferences"]["customer"]["preferences"] == [
            {"key": "likes", "value": "roses"},
            {"key": "size", "value": "M"},
        ]
        back = {"input": {"preferences": [{"key": "size", "value": None}]}}
        done = await house.data(document("control"), back, **how)
        assert [wish["key"] for wish in done["setPreferences"]["customer"]["preferences"]] == ["likes"]

    async def test_consent_is_set_for_a_channel(self, house):
        await house.person("consenter")
        told = {
            "input": {
                "for": {"userId": "consenter"},
                "purpose": "EMAIL_MARKETING",
                "channel": "EMAIL",
                "state": "DENIED",
            }
        }
        done = await house.data(document("control"), told, by=Scope.AGENT, operation="Consent")
        assert done["setConsent"]["errors"] == []
        consents = done["setConsent"]["customer"]["consents"]
        assert {"purpose": "EMAIL_MARKETING", "channel": "EMAIL", "state": "DENIED"} in consents

    async def test_an_interest_is_renamed_and_removed(self, house):
        await house.person("corrector")
        how = {"by": Scope.BROWSE, "customer": "corrector"}
        wish = {"input": {"preferences": [{"key": "likes", "value": "roses"}]}}
        await house.data(document("control"), wish, operation="Prefer", **how)
        asked = "{ viewer { interests { edges { node { id label kind } } } } }"
        viewer = (await house.data(asked, **how))["viewer"]
        interest = viewer["interests"]["edges"][0]["node"]
        told = {"input": {"interestId": interest["id"], "action": "RENAME", "label": "my roses"}}
        done = await house.data(document("control"), told, operation="CorrectInterest", **how)
        assert done["correctInterest"]["errors"] == []
        labels = [
            e["node"]["label"] for e in (await house.data(asked, **how))["viewer"]["interests"]["edges"]
        ]
        assert labels == ["my roses"]
        told = {"input": {"interestId": interest["id"], "action": "REMOVE"}}
        done = await house.data(document("control"), told, operation="CorrectInterest", **how)
        assert done["correctInterest"]["errors"] == []
        assert (await house.data(asked, **how))["viewer"]["interests"]["edges"] == []

    async def test_a_layer_switched_off_plays_no_part(self, house):
        await house.person("switcher")
        how = {"by": Scope.BROWSE, "customer": "switcher"}
        told = {"input": {"layer": "base", "enabled": False}}
        done = await house.data(document("control"), told, operation="SwitchLayer", **how)
        assert done["switchLayer"]["errors"] == []
        viewer = (await house.data(document("control"), operation="MyProfile", **how))["viewer"]
        switched = {row["layer"]["name"]: row for row in viewer["layers"]}
        assert switched["base"]["enabled"] is False
        assert switched["base"]["effect"] == "It is switched off and plays no part."
        assert switched["interests"]["enabled"] is True
        assert viewer["preferences"] == []  # switches are told under `layers`


class TestOperations:
    async def test_events_are_recorded_once_and_faults_told_by_position(self, house):
        good = {
            "type": "identify",
            "messageId": "op-1",
            "userId": "operator",
            "traits": {"name": "Op"},
        }
        bad = {"type": "sing", "messageId": "op-2", "userId": "operator"}
        told = {"input": {"events": [good, bad, good]}}
        done = (await house.data(document("operations"), told, by=Scope.INGEST, operation="Record"))[
            "recordEvents"
        ]
        assert (done["accepted"], done["duplicates"]) == (1, 1)
        assert [error["path"][:3] for error in done["errors"]] == [["input", "events", "1"]]
        again = (await house.data(document("operations"), told, by=Scope.INGEST, operation="Record"))[
            "recordEvents"
        ]
        assert (again["accepted"], again["duplicates"]) == (0, 2)

    async def test_an_exposure_is_recorded_once(self, house):
        page = await house.data(
            document("web"), {"for": ADA, "scenario": "home"}, by=Scope.BROWSE, customer="ada"
        )
        served_id = page["experience"]["servedId"]
        position = page["experience"]["slots"][0]["items"][0]["position"]
        told = {"input": {"servedId": served_id, "positions": [position]}}
        before = await house.rows("exposures")
        for _ in range(2):
            done = await house.data(
                document("operations"), told, by=Scope.BROWSE, customer="ada", operation="Exposed"
            )
            assert done["recordExposure"] == {"served": {"id": served_id}, "errors": []}
        assert await house.rows("exposures") == before + 1

    async def test_a_customer_is_watched(self, house):
        await house.person("watched")
        async with watching(house, {"for": {"userId": "watched"}}, by=Scope.AGENT) as told:
            first = (await told())["data"]["customerChanged"]
            assert first["timeline"]["edges"][0]["node"]["title"] == "Gave details: email"
            event = track("Product Viewed", "w1", 0, {"product_id": "mug-2"}, userId="watched")
            await house.services.ingest.record([event], source="test")
            then = (await told())["data"]["customerChanged"]
            assert then["version"] > first["version"]
            (edge,) = then["timeline"]["edges"]
            assert edge["node"] == {
                "at": "2026-03-02T10:00:00.000Z",
                "kind": "VIEWED",
                "title": "Viewed Stoneware mug red",
            }
