"""Offers as staff and front-ends use them: granted, promised on every channel, redeemed, taken back."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hub.auth.model import Scope
from hub.catalogue.model import Offer
from hub.kit.money import Money
from tests.schema.conftest import document

OPERATIONS = document("operations")
GOODWILL = Offer(
    key="goodwill",
    title="A little something",
    terms="£5 off.",
    amount_off=Money(Decimal(5), "GBP"),
    per_person=1,
    moments=("anniversary",),
)


@pytest.fixture(scope="module")
async def _offers(house):
    await house.services.catalogue.put_offers([GOODWILL])


@pytest.fixture
async def shop(house, _offers):
    return house


async def do(house, operation, field, by=Scope.AGENT, **given):
    done = (await house.data(OPERATIONS, {"input": given}, by=by, operation=operation))[field]
    return done["grant"], [(error["code"], error["path"]) for error in done["errors"]]


async def books(house):
    return [
        await house.rows(name) for name in ("grants", "offer_entries", "offer_counters")
    ], await house.services.offers.report()


async def test_granted_redeemed_once_and_taken_back(shop):
    await shop.person("gail")
    gail = {"userId": "gail"}
    grant, errors = await do(
        shop, "Grant", "grantOffer", **{"for": gail, "offerKey": "goodwill", "idempotencyKey": "g1"}
    )
    assert errors == []
    assert (grant["state"], grant["expiresAt"]) == ("ISSUED", None)
    again, _ = await do(
        shop, "Grant", "grantOffer", **{"for": gail, "offerKey": "goodwill", "idempotencyKey": "g1"}
    )
    assert again == grant
    used = {"code": grant["code"].lower(), "for": gail, "idempotencyKey": "r1", "orderId": "o-1"}
    for _ in range(2):
        done, errors = await do(shop, "Redeem", "redeemGrant", **used)
        assert errors == []
        assert (done["id"], done["state"]) == (grant["id"], "REDEEMED")
        assert done["redeemedAt"] == "2026-03-02T10:00:00.000Z"
    back, errors = await do(shop, "Reverse", "reverseGrant", grantId=grant["id"], reason="returned")
    assert (back, errors) == ({"id": grant["id"], "state": "REVERSED"}, [])
    found = await shop.data(
        "query($id: ID!) { node(id: $id) { id ... on Grant { code orderId offer { key } } } }",
        {"id": grant["id"]},
        by=Scope.AGENT,
    )
    assert found["node"]["offer"] == {"key": "goodwill"}
    assert found["node"]["orderId"] == "o-1"


async def test_what_is_wrong_is_typed_and_changes_nothing(shop):
    for name in ("hal", "ivy"):
        await shop.person(name)
    hal, ivy = {"userId": "hal"}, {"userId": "ivy"}
    grant, _ = await do(shop, "Grant", "grantOffer", **{"for": hal, "offerKey": "goodwill"})
    before = await books(shop)
    for operation, field, given, code, path in (
        ("Grant", "grantOffer", {"for": hal, "offerKey": "nothing"}, "UNKNOWN_OFFER", ["input", "offerKey"]),
        ("Grant", "grantOffer", {"for": hal, "offerKey": "goodwill"}, "PER_PERSON", ["input", "offerKey"]),
        (
            "Grant",
            "grantOffer",
            {"for": {"userId": "nobody"}, "offerKey": "goodwill"},
            "UNKNOWN_CUSTOMER",
            ["input", "for"],
        ),
        (
            "Redeem",
            "redeemGrant",
            {"code": grant["code"], "for": ivy},
            "GRANT_OF_ANOTHER",
            ["input", "code"],
        ),
        ("Redeem", "redeemGrant", {"code": "0000-0000-0000"}, "UNKNOWN_GRANT", ["input", "code"]),
        ("Redeem", "redeemGrant", {}, "GRANT_MISSING", ["input", "grantId"]),
        ("Reverse", "reverseGrant", {"grantId": "grt_none"}, "UNKNOWN_GRANT", ["input", "grantId"]),
    ):
        assert await do(shop, operation, field, **given) == (None, [(code, path)])
    for scope in (Scope.BROWSE, Scope.RENDERER, Scope.INGEST):
        _, errors = await do(shop, "Redeem", "redeemGrant", by=scope, code=grant["code"])
        assert [code for code, _ in errors] == ["FORBIDDEN"]
    assert await books(shop) == before
    await do(shop, "Redeem", "redeemGrant", code=grant["code"])
    before = await books(shop)
    _, errors = await do(shop, "Redeem", "redeemGrant", code=grant["code"])
    assert errors == [("ALREADY_REDEEMED", ["input", "code"])]
    assert await books(shop) == before


async def test_the_same_grant_on_every_channel_and_none_by_a_preview(shop):
    await shop.person("jo")
    jo = {"userId": "jo"}
    query = (
        "query($for: CustomerRef!, $channel: Channel!, $scenario: String!, $preview: Boolean!) {"
        " experience(for: $for, channel: $channel, scenario: $scenario, preview: $preview) {"
        " offers { offer { key } grant { code } } } }"
    )

    async def offers(channel, scenario, *, preview=False):
        asked = {"for": jo, "channel": channel, "scenario": scenario, "preview": preview}
        return (await shop.data(query, asked))["experience"]["offers"]

    before = await shop.rows("grants")
    (shown,) = await offers("WEB", "home", preview=True)
    assert shown == {"offer": {"key": "spring"}, "grant": None}
    assert await shop.rows("grants") == before
    (web,) = await offers("WEB", "home")
    (desk,) = await offers("SERVICE_DESK", "service")
    (preview,) = await offers("EMAIL", "newsletter", preview=True)
    assert web["grant"]["code"]
    assert web == desk == preview
    assert await shop.rows("grants") == before + 1


async def test_somebody_unknown_is_issued_nothing(shop):
    before = await shop.rows("grants")
    data = await shop.data(
        document("web"), {"for": {"anonymousId": "new-here"}, "scenario": "home"}, by=Scope.BROWSE
    )
    assert [offer["grant"] for offer in data["experience"]["offers"]] == [None]
    assert await shop.rows("grants") == before


async def test_the_report_is_for_administrators_and_balances(shop):
    query = "{ offerReport { balanced balances { offerKey account units amount currency } owed { offerKey units } } }"
    for scope in (Scope.AGENT, Scope.BROWSE, Scope.RENDERER, Scope.INGEST):
        assert await shop.refusal(query, by=scope) == "FORBIDDEN"
    told = (await shop.data(query))["offerReport"]
    assert told["balanced"] is True
    assert sum(each["units"] for each in told["balances"]) == 0
    assert await shop.services.offers.audit() == ()


GRANTABLE = "query($for: CustomerRef!) { customer(by: $for) { grantable { key terms version } } }"


async def test_an_agent_is_told_what_may_be_granted(shop):
    await shop.services.catalogue.put_offers(
        [
            replace(GOODWILL, key="club", audience={"club": "true"}),
            replace(GOODWILL, key="spent", most_grants=0),
            replace(GOODWILL, key="ended", valid_until=shop.services.clock.now()),
        ]
    )
    await shop.person("hilda")
    hilda = {"for": {"userId": "hilda"}}

    async def keys():
        found = (await shop.data(GRANTABLE, hilda, by=Scope.AGENT))["customer"]["grantable"]
        return {offer["key"] for offer in found} & {"goodwill", "club", "spent", "ended"}

    assert await keys() == {"goodwill"}
    _, errors = await do(shop, "Grant", "grantOffer", **hilda, offerKey="goodwill")
    assert errors == []
    assert await keys() == set()
    query = "{ viewer { grantable { key } } }"
    assert await shop.refusal(query, by=Scope.BROWSE, customer="hilda") == "FORBIDDEN"
