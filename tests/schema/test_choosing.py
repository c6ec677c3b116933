"""Choosing over GraphQL: for somebody else, and guided by questions."""

import pytest

from hub.auth.model import Scope

ASK = """query($scenario: String!, $recipient: RecipientInput, $answers: [String!]) {
  experience(for: {userId: "ada"}, channel: SERVICE_DESK, scenario: $scenario, recipient: $recipient,
             answers: $answers, preview: true) {
    moment { key title }
    question { key text bits number most left options { key label share } }
    ranking(first: 50) { content { key category price { amount } } why { sentence } }
    suppressed(first: 50) { edges { node { rule sentence } } } } }"""


async def asked(house, scenario="guided_choice", **given):
    return (await house.data(ASK, {"scenario": scenario, **given}, by=Scope.AGENT))["experience"]


class TestForSomebodyElse:
    async def test_what_was_said_of_them_leads(self, house):
        found = await asked(house, "gift_for_a_friend", recipient={"words": "stoneware mug", "mostPrice": 20})
        assert found["moment"] == {"key": "gift", "title": "Choosing for somebody else"}
        first = found["ranking"][0]
        assert first["content"]["category"] == "kitchen/mugs"
        assert first["why"]["sentence"] == "Because you said 'stoneware mug'"

    @pytest.mark.parametrize(
        ("recipient", "code", "path"),
        [
            ({"words": "x" * 501}, "TOO_LONG", ["recipient", "words"]),
            ({"like": ["a"] * 11}, "TOO_LONG", ["recipient", "like", 10]),
            ({"leastPrice": 30, "mostPrice": 20}, "INVALID_BUDGET", ["recipient", "mostPrice"]),
            ({"mostPrice": -1}, "INVALID_BUDGET", ["recipient", "mostPrice"]),
        ],
    )
    async def test_what_makes_no_sense_is_refused(self, house, recipient, code, path):
        error = (await house.ask(ASK, {"scenario": "home", "recipient": recipient}, by=Scope.AGENT))[
            "errors"
        ][0]
        assert (error["extensions"]["code"], error["extensions"]["argument"]) == (
            code,
            [str(step) for step in path],
        )


class TestGuided:
    async def test_answers_lead_on_until_nothing_is_worth_asking(self, house):
        answers, numbers = [], []
        while (found := await asked(house, answers=answers))["question"] is not None:
            question = found["question"]
            numbers.append(question["number"])
            assert question["most"] == 5
            assert question["left"] >= len(question["options"]) - 1
            answers.append(question["options"][0]["key"])
        assert numbers == list(range(1, len(answers) + 1))
        assert 1 <= len(answers) <= 5
        assert "not_asked_for" in {edge["node"]["rule"] for edge in found["suppressed"]["edges"]}

    async def test_scenarios_that_ask_nothing_have_no_question(self, house):
        assert (await asked(house, "home"))["question"] is None

    @pytest.mark.parametrize(
        ("answers", "code", "path"),
        [
            (["colour:red"], "UNKNOWN_ANSWER", ["answers", 0]),
            (["price:10-20", "nonsense"], "UNKNOWN_ANSWER", ["answers", 1]),
            (["tag:any"] * 6, "TOO_MANY_ANSWERS", ["answers", 5]),
        ],
    )
    async def test_what_is_no_answer_is_refused(self, house, answers, code, path):
        error = (await house.ask(ASK, {"scenario": "guided_choice", "answers": answers}, by=Scope.AGENT))[
            "errors"
        ][0]
        assert (error["extensions"]["code"], error["extensions"]["argument"]) == (
            code,
            [str(step) for step in path],
        )
