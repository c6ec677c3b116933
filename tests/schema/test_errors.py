"""Expected failures: a code, a message that says what to do, and where it lies."""

import pytest

from hub.auth.model import Scope
from hub.errors import Conflict, Forbidden, InvalidInput, NotAvailable, NotFound, TooLarge, Unavailable
from resolvers.outcomes import outcome
from tests.schema.conftest import document

ADA = {"userId": "ada"}


async def web(house, **given):
    asked = {"for": ADA, "scenario": "home", **given}
    answer = await house.ask(document("web"), asked, by=Scope.BROWSE, customer="ada")
    assert answer["data"] is None
    (error,) = answer["errors"]
    return error


class TestQueries:
    async def test_an_unknown_scenario_names_the_known(self, house):
        error = await web(house, scenario="disco")
        assert error["extensions"]["code"] == "UNKNOWN_SCENARIO"
        assert "home" in error["message"]
        assert error["path"] == ["experience"]

    async def test_an_unknown_layer_names_the_known(self, house):
        error = await web(house, mix={"mute": ["cymbals"]})
        assert error["extensions"] == {"code": "UNKNOWN_LAYER", "argument": ["mix", "mute", "0"]}
        assert "interests" in error["message"]

    @pytest.mark.parametrize("weight", [-1, 1e308, 10.5])
    async def test_an_impossible_weight(self, house, weight):
        error = await web(house, mix={"weights": [{"layer": "base", "weight": weight}]})
        assert error["extensions"]["code"] == "INVALID_WEIGHT"

    async def test_two_weights_for_one_layer(self, house):
        error = await web(
            house, mix={"weights": [{"layer": "base", "weight": 1}, {"layer": "base", "weight": 2}]}
        )
        assert error["extensions"] == {"code": "TWO_WEIGHTS", "argument": ["mix", "weights", "1"]}

    async def test_a_weight_that_is_no_number_never_reaches_the_mix(self, house):
        body = b'{"query": "{__typename}", "variables": {"weight": NaN}}'
        headers = {**house.headers(Scope.ADMIN), "Content-Type": "application/json"}
        response = await house.client.post("/graphql", content=body, headers=headers)
        assert response.status_code == 400
        literal = '{ experience(for: {userId: "a"}, channel: WEB, scenario: "home", mix: {weights: [{layer: "base", weight: 1e999}]}) { channel } }'
        assert await house.refusal(literal) == "INVALID_WEIGHT"

    @pytest.mark.parametrize("first", [-1, 201])
    async def test_first_has_a_range(self, house, first):
        for asked in (
            "query($n: Int!) { contents(first: $n) { totalCount } }",
            'query($n: Int!) { customer(by: {userId: "ada"}) { interests(first: $n) { totalCount } } }',
            'query($n: Int!) { customer(by: {userId: "ada"}) { timeline(first: $n) { totalCount } } }',
            'query($n: Int!) { customer(by: {userId: "ada"}) { served(first: $n) { totalCount } } }',
            'query($n: Int!) { customer(by: {userId: "ada"}) { similar(first: $n) { totalCount } } }',
        ):
            assert await house.refusal(asked, {"n": first}) == "INVALID_INPUT"

    @pytest.mark.parametrize("field", ["contents", "customer", "timeline", "served", "similar"])
    async def test_a_cursor_of_somebody_else(self, house, field):
        inner = '(first: 1, after: "bm9uZQ") { totalCount }'
        asked = {
            "contents": f"{{ contents{inner} }}",
            "customer": f'{{ customer(by: {{userId: "ada"}}) {{ interests{inner} }} }}',
        }.get(field, f'{{ customer(by: {{userId: "ada"}}) {{ {field}{inner} }} }}')
        if field == "contents":  # its cursors are keys: any key has a place in the order
            assert (await house.data(asked))["contents"]["totalCount"] == 15
        else:
            assert await house.refusal(asked) == "INVALID_INPUT"

    @pytest.mark.parametrize(
        ("who", "place"),
        [
            ({"email": "not an address"}, ["by", "email"]),
            ({"userId": " "}, ["by", "userId"]),
            ({"identity": {"type": "A B", "value": "x"}}, ["by", "identity", "type"]),
            ({"identity": {"type": "loyalty_id", "value": " "}}, ["by", "identity", "value"]),
        ],
    )
    async def test_a_name_that_cannot_be_one(self, house, who, place):
        answer = await house.ask("query($by: CustomerRef!) { customer(by: $by) { id } }", {"by": who})
        extensions = answer["errors"][0]["extensions"]
        assert extensions["code"] == "INVALID_INPUT"
        assert extensions["argument"] == place

    @pytest.mark.parametrize("question", ["", "   ", "why " * 2000])
    async def test_a_question_that_is_none(self, house, question):
        code = await house.refusal(
            "query($q: String) { answer(question: $q) { confidence } }", {"q": question}
        )
        assert code in {"EMPTY_QUESTION", "QUESTION_TOO_LONG"}

    async def test_the_id_of_another_type(self, house):
        page = await house.data("{ contents(first: 1) { edges { node { id } } } }")
        asked = {"id": page["contents"]["edges"][0]["node"]["id"]}
        assert await house.refusal("query($id: ID!) { served(id: $id) { id } }", asked) == "INVALID_INPUT"

    async def test_a_mistake_of_ours_is_masked(self, house, monkeypatch):
        monkeypatch.setattr(type(house.services.scenarios), "list", lambda _self: 1 / 0)
        answer = await house.ask("{ scenarios { key } layers { name } }")
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "INTERNAL"}
        assert "division" not in error["message"]


class TestMutations:
    async def errors(self, house, operation, given, field, file="control", **how):
        before = await house.rows("events")
        done = await house.data(document(file), {"input": given}, operation=operation, **how)
        assert await house.rows("events") == before
        return [(error["code"], error["path"]) for error in done[field]["errors"]]

    async def test_feedback_on_content_that_there_is_not(self, house):
        given = {"contentKey": "unicorn", "kind": "HIDE", "for": ADA}
        errors = await self.errors(house, "Feedback", given, "giveFeedback", by=Scope.AGENT)
        assert errors == [("UNKNOWN_CONTENT", ["input", "contentKey"])]

    async def test_wishes_that_cannot_be(self, house):
        how = {"by": Scope.AGENT}
        for wishes, path in (
            ([], ["input", "preferences"]),
            ([{"key": "likes", "value": 5}], ["input", "preferences", "0"]),
            ([{"key": "a", "value": 1}, {"key": "a", "value": 2}], ["input", "preferences", "1", "key"]),
        ):
            given = {"preferences": wishes, "for": ADA}
            errors = await self.errors(house, "Prefer", given, "setPreferences", **how)
            assert errors == [("INVALID_INPUT", path)]

    async def test_consent_is_yes_or_no(self, house):
        given = {"purpose": "ANALYTICS", "state": "UNKNOWN", "for": ADA}
        errors = await self.errors(house, "Consent", given, "setConsent", by=Scope.AGENT)
        assert errors == [("INVALID_INPUT", ["input", "state"])]

    async def test_an_interest_that_there_is_not(self, house):
        given = {"interestId": "none", "action": "REMOVE", "for": ADA}
        errors = await self.errors(house, "CorrectInterest", given, "correctInterest", by=Scope.AGENT)
        assert errors == [("UNKNOWN_INTEREST", ["input", "interestId"])]

    async def test_a_layer_that_there_is_not(self, house):
        given = {"layer": "cymbals", "enabled": False, "for": ADA}
        errors = await self.errors(house, "SwitchLayer", given, "switchLayer", by=Scope.AGENT)
        assert errors == [("UNKNOWN_LAYER", ["input", "layer"])]

    async def test_events_that_are_no_objects(self, house):
        given = {"events": [5]}
        errors = await self.errors(house, "Record", given, "recordEvents", file="operations", by=Scope.INGEST)
        assert errors == [("INVALID_INPUT", ["input", "events", "0"])]

    async def test_more_events_than_one_batch_takes(self, house):
        given = {"events": [{}] * (house.services.settings.batch_limit + 1)}
        errors = await self.errors(house, "Record", given, "recordEvents", file="operations", by=Scope.INGEST)
        assert errors == [("BATCH_TOO_LARGE", ["input", "events"])]

    async def test_an_event_of_the_future(self, house):
        given = {"events": [{"type": "page", "userId": "ada", "timestamp": "2026-04-11T10:00:00Z"}]}
        errors = await self.errors(house, "Record", given, "recordEvents", file="operations", by=Scope.INGEST)
        assert errors == [("EVENT_IN_FUTURE", ["input", "events", "0", "timestamp"])]

    async def test_an_exposure_of_what_was_not_shown(self, house):
        page = await house.data(
            document("web"), {"for": ADA, "scenario": "home"}, by=Scope.BROWSE, customer="ada"
        )
        given = {"servedId": page["experience"]["servedId"], "contentKeys": ["kettle-gone"]}
        errors = await self.errors(house, "Exposed", given, "recordExposure", file="operations")
        assert errors == [("NOT_SERVED", ["input", "contentKeys", "0"])]

    async def test_an_exposure_of_nothing(self, house):
        errors = await self.errors(
            house, "Exposed", {"servedId": "srv_none"}, "recordExposure", file="operations"
        )
        assert errors == [("NOT_FOUND", ["input", "servedId"])]

    async def test_each_kind_has_a_type_of_its_own(self, house):
        query = "mutation($i: GiveFeedbackInput!) { giveFeedback(input: $i) { errors { __typename code } } }"
        wrong = {"contentKey": "unicorn", "kind": "HIDE"}
        for given, how, kind in (
            ({**wrong, "for": ADA}, {"by": Scope.AGENT}, "NotFoundError"),
            (wrong, {"by": Scope.AGENT}, "InvalidInputError"),
            (wrong, {"by": Scope.RENDERER}, "ForbiddenError"),
        ):
            done = await house.data(query, {"i": given}, **how)
            assert [e["__typename"] for e in done["giveFeedback"]["errors"]] == [kind]


class TestOutcome:
    @pytest.mark.parametrize("kind", [InvalidInput, NotFound, Forbidden, Conflict, NotAvailable, Unavailable])
    async def test_what_is_refused_on_purpose_is_data(self, kind):
        async def doing():
            raise kind("no", path=("a", 0))

        told = await outcome(doing())
        assert told.value is None
        assert [(e.kind, e.code, e.path) for e in told.errors] == [(kind, kind.code, ("input", "a", "0"))]

    async def test_too_much_is_told_as_an_impossible_input(self):
        async def doing():
            raise TooLarge("no")

        told = await outcome(doing())
        assert [(e.kind, e.code, e.path) for e in told.errors] == [(InvalidInput, "TOO_LARGE", ())]

    async def test_a_mistake_of_ours_is_raised(self):
        async def doing():
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await outcome(doing())
