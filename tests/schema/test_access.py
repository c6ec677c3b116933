"""Who may do what: for every scope what it may, and what it may not."""

from typing import ClassVar

import pytest

from hub.auth.model import Scope
from hub.errors import Unavailable
from hub.profiles.model import CustomerRef, Identity
from resolvers import access
from resolvers.globalids import from_global
from tests.builders import NOW, make_profile
from tests.schema.conftest import document

ADA, BOB = {"userId": "ada"}, {"userId": "bob"}
EXPERIENCE = (
    "query($for: CustomerRef!, $channel: Channel!, $preview: Boolean = true)"
    ' { experience(for: $for, channel: $channel, scenario: "home", preview: $preview)'
    " { channel servedId profileVersion } }"
)
CHANNELS = ("WEB", "EMAIL", "SERVICE_DESK")
QUERIES = {
    "contents": "{ contents(first: 1) { edges { node { key } } } }",
    "layers": "{ layers { name } }",
    "scenario": '{ scenario(key: "home") { key } }',
    "scenarios": "{ scenarios { key } }",
    "answer": '{ answer(question: "Do you repair kettles?") { confidence } }',
    "customer": '{ customer(by: {userId: "ada"}) { id } }',
    "served": '{ served(id: "srv_none") { id } }',
    "node": '{ node(id: "none") { id } }',
    "viewer": "{ viewer { id } }",
}
MAY = {
    Scope.INGEST: set(),
    Scope.BROWSE: set(QUERIES) - {"customer"},
    Scope.RENDERER: set(QUERIES) - {"customer", "answer", "served"},
    Scope.AGENT: set(QUERIES),
    Scope.ADMIN: set(QUERIES),
}


class TestQueries:
    @pytest.mark.parametrize("scope", Scope)
    @pytest.mark.parametrize("name", QUERIES)
    async def test_each_scope_reads_what_it_may_and_nothing_else(self, house, scope, name):
        if name in MAY[scope]:
            assert name in await house.data(QUERIES[name], by=scope)
        else:
            assert await house.refusal(QUERIES[name], by=scope) == "FORBIDDEN"

    async def test_without_a_key_nothing_is_answered(self, house):
        response = await house.client.post("/graphql", json={"query": "{ layers { name } }"})
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert "data" not in response.json()

    async def test_an_unknown_key_is_no_key(self, house):
        response = await house.client.post(
            "/graphql",
            json={"query": "{ __typename }"},
            headers={"Authorization": "Bearer tutti_admin_guess"},
        )
        assert response.status_code == 401

    async def test_a_forged_token_is_refused(self, house):
        headers = {**house.headers(Scope.BROWSE, "ada")}
        headers["X-Tutti-Customer"] = headers["X-Tutti-Customer"][:-4] + "AAAA"
        response = await house.client.post("/graphql", json={"query": "{ viewer { id } }"}, headers=headers)
        assert response.status_code == 400
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_TOKEN"


class TestExperience:
    ALLOWED: ClassVar = {
        (Scope.BROWSE, "WEB"),
        (Scope.RENDERER, "EMAIL"),
        (Scope.AGENT, "SERVICE_DESK"),
        *((Scope.ADMIN, channel) for channel in CHANNELS),
    }

    @pytest.mark.parametrize("scope", Scope)
    @pytest.mark.parametrize("channel", CHANNELS)
    async def test_each_scope_has_its_channel(self, house, scope, channel):
        asked = {"for": ADA, "channel": channel}
        how = {"by": scope, "customer": "ada" if scope is Scope.BROWSE else None}
        if (scope, channel) in self.ALLOWED:
            assert (await house.data(EXPERIENCE, asked, **how))["experience"]["channel"] == channel
        else:
            assert await house.refusal(EXPERIENCE, asked, **how) == "FORBIDDEN"

    @pytest.mark.parametrize(
        "who", [BOB, {"email": "bob@example.com"}, {"userId": "never-seen"}, {"id": "prf_x"}]
    )
    async def test_a_token_speaks_for_nobody_else(self, house, who):
        asked = {"for": who, "channel": "WEB"}
        assert await house.refusal(EXPERIENCE, asked, by=Scope.BROWSE, customer="ada") == "FORBIDDEN"

    async def test_a_token_speaks_for_all_names_of_its_customer(self, house):
        own = await house.services.profiles.require(CustomerRef("user_id", "ada"))
        for who in (ADA, {"email": "ada@example.com"}, {"anonymousId": "ada-laptop"}, {"id": own.id}):
            asked = {"for": who, "channel": "WEB"}
            found = await house.data(EXPERIENCE, asked, by=Scope.BROWSE, customer="ada")
            assert found["experience"]["profileVersion"] == own.version

    @pytest.mark.parametrize("who", [ADA, {"email": "ada@example.com"}, {"userId": "never-seen"}])
    async def test_without_a_token_no_person_can_be_named(self, house, who):
        assert await house.refusal(EXPERIENCE, {"for": who, "channel": "WEB"}, by=Scope.BROWSE) == "FORBIDDEN"

    async def test_without_a_token_a_visitor_is_answered(self, house):
        asked = {"for": {"anonymousId": "visitor-1"}, "channel": "WEB"}
        assert (await house.data(EXPERIENCE, asked, by=Scope.BROWSE))["experience"]["profileVersion"] > 0

    async def test_a_visitor_who_was_identified_is_answered_as_unknown(self, house):
        asked = {"for": {"anonymousId": "ada-laptop"}, "channel": "WEB", "preview": False}
        answered = (await house.data(EXPERIENCE, asked, by=Scope.BROWSE))["experience"]
        assert answered["profileVersion"] == 0
        own = await house.services.profiles.require(CustomerRef("user_id", "ada"))
        row = await house.services.ledger.get(from_global("Served", answered["servedId"]))
        assert row.profile_id is None
        assert own.id.encode() not in row.body

    async def test_a_shopper_gets_the_token_s_own_page_when_the_store_is_away(self, house, monkeypatch):
        async def away(_ref):
            raise Unavailable("the store does not answer")

        monkeypatch.setattr(type(house.services.profiles), "find", lambda _self, ref, **_: away(ref))
        for customer, who in (("ada", {"email": "ada@example.com"}), (None, {"anonymousId": "visitor-1"})):
            answered = await house.data(
                EXPERIENCE, {"for": who, "channel": "WEB"}, by=Scope.BROWSE, customer=customer
            )
            assert answered["experience"]["channel"] == "WEB"


class TestServed:
    QUERY = "query($id: ID!) { served(id: $id) { id } }"

    @pytest.fixture
    async def row(self, house):
        asked = {"for": ADA, "channel": "WEB", "preview": False}
        data = await house.data(EXPERIENCE, asked, by=Scope.BROWSE, customer="ada")
        return data["experience"]["servedId"]

    async def test_its_customer_an_agent_and_an_admin_see_it(self, house, row):
        for how in ({"by": Scope.BROWSE, "customer": "ada"}, {"by": Scope.AGENT}, {"by": Scope.ADMIN}):
            assert (await house.data(self.QUERY, {"id": row}, **how))["served"] == {"id": row}

    async def test_nobody_else_can_tell_it_from_nothing(self, house, row):
        for customer in ("bob", None):
            found = await house.data(self.QUERY, {"id": row}, by=Scope.BROWSE, customer=customer)
            assert found == {"served": None}
            node = await house.data(
                "query($id: ID!) { node(id: $id) { id } }", {"id": row}, by=Scope.BROWSE, customer=customer
            )
            assert node == {"node": None}

    async def test_nobody_else_records_that_it_was_seen(self, house, row):
        before = await house.rows("exposures")
        told = {"input": {"servedId": row}}
        for how in ({"by": Scope.BROWSE, "customer": "bob"}, {"by": Scope.BROWSE}, {"by": Scope.RENDERER}):
            done = await house.data(document("operations"), told, operation="Exposed", **how)
            assert [e["code"] for e in done["recordExposure"]["errors"]] == ["NOT_FOUND"]
        assert await house.rows("exposures") == before

    async def test_a_front_end_records_what_its_visitor_saw(self, house):
        asked = {"for": {"anonymousId": "visitor-1"}, "channel": "WEB", "preview": False}
        row = (await house.data(EXPERIENCE, asked, by=Scope.BROWSE))["experience"]["servedId"]
        told = {"input": {"servedId": row}}
        done = await house.data(document("operations"), told, by=Scope.BROWSE, operation="Exposed")
        assert done["recordExposure"] == {"served": {"id": row}, "errors": []}


class TestChanges:
    GIVEN: ClassVar = {
        "giveFeedback": ("Feedback", {"contentKey": "rose-1", "kind": "MORE"}),
        "setPreferences": ("Prefer", {"preferences": [{"key": "likes", "value": "roses"}]}),
        "setConsent": ("Consent", {"purpose": "ANALYTICS", "state": "DENIED"}),
        "correctInterest": ("CorrectInterest", {"interestId": "x", "action": "REMOVE"}),
        "switchLayer": ("SwitchLayer", {"layer": "base", "enabled": False}),
    }

    async def change(self, house, field, who, **how):
        operation, given = self.GIVEN[field]
        told = {"input": {**given, **({} if who is None else {"for": who})}}
        done = await house.data(document("control"), told, operation=operation, **how)
        return done[field]

    @pytest.mark.parametrize("field", GIVEN)
    @pytest.mark.parametrize("scope", [Scope.INGEST, Scope.RENDERER, Scope.BROWSE])
    async def test_who_may_not_changes_nothing(self, house, field, scope):
        before = await house.rows("events")
        done = await self.change(house, field, ADA, by=scope)
        assert [e["code"] for e in done["errors"]] == ["FORBIDDEN"]
        assert done["customer"] is None
        assert await house.rows("events") == before

    @pytest.mark.parametrize("field", GIVEN)
    async def test_a_token_changes_nobody_else(self, house, field):
        before = await house.rows("events")
        done = await self.change(house, field, BOB, by=Scope.BROWSE, customer="ada")
        assert [(e["code"], e["path"]) for e in done["errors"]] == [("FORBIDDEN", ["input", "for"])]
        assert await house.rows("events") == before

    @pytest.mark.parametrize("field", GIVEN)
    async def test_an_agent_says_whom(self, house, field):
        before = await house.rows("events")
        done = await self.change(house, field, None, by=Scope.AGENT)
        assert [(e["code"], e["path"]) for e in done["errors"]] == [("CUSTOMER_MISSING", ["input", "for"])]
        done = await self.change(house, field, {"userId": "never-seen"}, by=Scope.AGENT)
        assert [(e["code"], e["path"]) for e in done["errors"]] == [("UNKNOWN_CUSTOMER", ["input", "for"])]
        assert await house.rows("events") == before

    async def test_an_agent_speaks_for_a_customer(self, house):
        await house.person("helped")
        done = await self.change(house, "giveFeedback", {"userId": "helped"}, by=Scope.AGENT)
        assert done["errors"] == []
        event = await house.store.db["events"].find_one({"event": "Feedback Given", "user_id": "helped"})
        assert event["source"] == "graphql:agent"

    @pytest.mark.parametrize("scope", [Scope.BROWSE, Scope.AGENT, Scope.RENDERER])
    async def test_only_ingest_records_events(self, house, scope):
        before = await house.rows("events")
        told = {"input": {"events": [{"type": "identify", "userId": "sneaky"}]}}
        done = await house.data(document("operations"), told, by=scope, operation="Record")
        assert [e["code"] for e in done["recordEvents"]["errors"]] == ["FORBIDDEN"]
        assert await house.rows("events") == before

    async def test_the_refusal_says_what_would_do(self, house):
        answer = await house.ask(QUERIES["customer"], by=Scope.RENDERER)
        assert answer["errors"][0]["message"] == (
            "reading a customer needs a key of scope agent or admin; this one's scope is renderer"
        )


class TestViewer:
    async def test_without_a_token_there_is_none(self, house):
        assert await house.data("{ viewer { id } }", by=Scope.BROWSE) == {"viewer": None}

    async def test_it_is_the_token_s_customer(self, house):
        data = await house.data("{ viewer { id displayName } }", by=Scope.BROWSE, customer="bob")
        assert data["viewer"]["displayName"] == "Bob"
        again = "query($id: ID!) { node(id: $id) { ... on Customer { displayName } } }"
        asked = {"id": data["viewer"]["id"]}
        assert (await house.data(again, asked, by=Scope.BROWSE, customer="bob"))["node"] == {
            "displayName": "Bob"
        }
        assert (await house.data(again, asked, by=Scope.BROWSE, customer="ada"))["node"] is None
        assert (await house.data(again, asked, by=Scope.RENDERER))["node"] is None


@pytest.mark.parametrize(
    ("kinds", "somebody"),
    [
        (("anonymous_id",), False),
        (("anonymous_id", "device_id"), False),
        (("anonymous_id", "email"), True),
        (("user_id",), True),
    ],
)
def test_what_makes_a_profile_a_person(kinds, somebody):
    identities = tuple(Identity(kind, "x", verified=True, first_seen_at=NOW) for kind in kinds)
    assert access.identified(make_profile(identities=identities)) is somebody
