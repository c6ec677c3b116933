"""Choosing a present and being guided to a choice, asked as docs/scenarios.md writes it."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs" / "scenarios.md"
PRESENT, GUIDED = re.findall(r"```graphql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
PAGE = """query($for: CustomerRef!, $answers: [String!]) {
  experience(for: $for, channel: WEB, scenario: "guided_choice", answers: $answers, preview: true) {
    question { left options { key } } ranking(first: 1) { content { key } why { sentence } } } }"""


def test_a_present_is_chosen_by_what_was_said_of_whom_it_is_for(hub):
    slots = hub.data(PRESENT)["experience"]["slots"]
    sentences = [item["why"]["sentence"] for slot in slots for item in slot["items"]]
    assert any(sentence in {"Because you said 'coffee'", "Because you said 'cats'"} for sentence in sentences)
    assert not any("rose" in item["content"]["title"].lower() for slot in slots for item in slot["items"])


def test_a_guided_choice_goes_on_from_any_point(hub):
    found = hub.data(GUIDED)["experience"]
    assert found["question"]["number"] == 3
    assert found["question"]["most"] == 5
    assert found["ranking"][0]["why"]["sentence"]


def test_answer_by_answer_it_comes_to_one_thing_with_its_reason(hub):
    answers, left = [], []
    who = {"userId": "persona-oskar"}
    while (page := hub.data(PAGE, {"for": who, "answers": answers})["experience"])["question"] is not None:
        left.append(page["question"]["left"])
        answers.append(page["question"]["options"][0]["key"])
    assert 2 <= len(answers) <= 5
    assert left == sorted(left, reverse=True)
    assert page["ranking"][0]["why"]["sentence"]
