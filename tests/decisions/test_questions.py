"""Guided choice: the questions that tell most, and how soon they come to one good item."""

import math
import random
from dataclasses import replace
from decimal import Decimal
from statistics import mean

import pytest

from hub.catalogue.model import Availability, ContentKind
from hub.decisions.choices import Attribute, Choice, between, parse_choice
from hub.decisions.model import Mix, MixRequest
from hub.decisions.scenario_files import shipped_scenarios
from hub.demo.house import load_house
from hub.errors import InvalidInput
from hub.kit.money import Money
from hub.layers.mix import resolve
from tests.builders import make_content, make_snapshot, make_stranger, make_view
from tests.decisions.strategies import LAYERS, play

TO_BE_HAD = {Availability.IN_STOCK, Availability.LOW_STOCK}
SCENARIO = shipped_scenarios()["guided_choice"]
ROOMS = {"kitchen": 12, "garden": 6, "cat": 3}


def shop(size=400, seed=1):
    """Things of several sorts, prices and tags, as catalogues have them: some sorts are large."""
    draw = random.Random(seed)
    found = []
    for number in range(size):
        room = draw.choices(list(ROOMS), list(ROOMS.values()))[0]
        sort = f"{room}/{draw.choice('abcdefgh')}"
        found.append(
            make_content(
                f"thing-{number:03d}",
                title=f"{sort} thing{number}",
                category=sort,
                price=Money(Decimal(draw.randint(4, 120)), "GBP"),
                tags=tuple(draw.sample(["wood", "blue", "small", "linen", "steel"], 2)),
            )
        )
    return make_snapshot(found, popularity={c.key: draw.random() for c in found})


SHOP = shop()


def ask(answers=(), view=None, *, snapshot=SHOP, **given):
    scenario = replace(SCENARIO, guards=replace(SCENARIO.guards, chosen=tuple(answers)), **given)
    mix = resolve(scenario.mix, MixRequest(), LAYERS.keys())
    return play(snapshot, view or make_stranger(), scenario, mix)


def truth(question, target):
    """The option that a customer gives who has this thing in mind."""
    return next(parse_choice(o.key) for o in question.options if parse_choice(o.key).fits(target))


def talk(target, answer=truth, *, snapshot=SHOP):
    """Return the last decision, how many questions it took, and what they told."""
    answers, told = [], []
    while True:
        decision = ask(answers, snapshot=snapshot)
        if decision.question is None:
            return decision, told
        told.append(decision.question)
        answers.append(answer(decision.question, target))


class TestQuestions:
    def test_are_at_most_five_and_each_narrows(self):
        for target in SHOP.contents[::23]:
            _, asked = talk(target)
            assert len(asked) <= 5
            left = [question.left for question in asked]
            assert left == sorted(left, reverse=True)
            assert len(set(left)) == len(left)

    def test_tell_as_much_as_their_shares_say_and_no_other_tells_more(self):
        question = ask().question
        shares = [option.share for option in question.options[:-1]]
        assert question.bits == pytest.approx(-sum(s * math.log2(s) for s in shares if s), abs=1e-3)
        assert sum(shares) == pytest.approx(1, abs=1e-4)
        assert question.bits > 1.5  # of at most log2(5)

    def test_are_the_same_for_the_same_customer_and_weighed_by_what_suits_them(self):
        view = make_view(interests=("cat a thing1",))
        assert ask(view=view).question == ask(view=view).question
        share = {o.key: o.share for o in ask().question.options}
        mine = {o.key: o.share for o in ask(view=view).question.options}
        assert mine != share

    def test_not_minding_narrows_nothing_and_is_not_asked_again(self):
        answers, seen = [], []
        while (question := ask(answers).question) is not None:
            seen.append(question.text)
            answers.append(parse_choice(question.options[-1].key))
            assert answers[-1].indifferent
            assert question.left == len(SHOP)
        assert len(seen) == len(set(seen)) == 5

    def test_are_not_asked_where_the_scenario_asks_none_or_there_is_nothing_to_tell_apart(self):
        assert ask(questions=0).question is None
        twins = make_snapshot([make_content("a", title="one"), make_content("b", title="two")])
        assert ask(snapshot=twins).question is None
        assert ask(snapshot=make_snapshot([])).question is None

    def test_a_budget_is_no_answer_to_a_question(self):
        question = ask([between(None, Decimal(30), beforehand=True)]).question
        assert (question.number, question.key) == (1, "category")


class TestASimulatedCustomer:
    def test_who_has_a_thing_in_mind_is_brought_near_it(self):
        """Of 400 things: what five answers leave, against what five questions drawn by chance leave."""
        draw = random.Random(5)
        targets = draw.sample(SHOP.contents, 60)
        left, chance, found = [], [], 0
        for target in targets:
            decision, _ = talk(target)
            keys = [content.key for content in decision.ranking.contents]
            assert target.key in keys  # never answered away
            left.append(len(keys))
            found += target.key in keys[:3]
            answers = []
            for _ in range(5):
                tag = draw.choice(["wood", "blue", "small", "linen", "steel"])
                room = draw.choice(list(ROOMS))
                fit = draw.choice([Choice(Attribute.TAG, (tag,)), Choice(Attribute.CATEGORY, (room,))])
                answers.append(fit if fit.fits(target) else Choice(fit.attribute, fit.values, refused=True))
            chance.append(sum(all(a.fits(c) for a in answers) for c in SHOP.contents))
        assert mean(left) < 6
        assert mean(left) * 2 < mean(chance)
        assert found >= 45

    def test_is_shown_nothing_that_was_not_asked_for_and_told_why(self):
        answers = [parse_choice("category:garden"), parse_choice("price:10-40"), parse_choice("tag:!blue")]
        decision = ask(answers)
        assert decision.ranking.contents
        assert all(answer.fits(c) for c in decision.ranking.contents for answer in answers)
        assert {r.rule for r in decision.removed if r.content.category.startswith("cat/")} <= {
            "not_asked_for"
        }

    def test_answers_are_part_of_the_configuration(self):
        versions = {ask(a).configuration_version for a in ((), [parse_choice("tag:blue")])}
        assert len(versions) == 2


class TestInTheDemoHouse:
    """The questions that the demo's own shelves give, to customers who have one of its products in mind."""

    def test_nearly_everybody_finds_it_first_and_all_among_three(self):
        house = load_house()
        snapshot = make_snapshot(house.contents, facts=house.brand_facts)
        there = [c for c in house.contents if c.kind is ContentKind.PRODUCT and c.availability in TO_BE_HAD]
        places = []
        for target in random.Random(3).sample(there, 25):
            decision, asked = talk(target, snapshot=snapshot)
            assert len(asked) <= 5
            keys = [c.key for c in decision.ranking.contents if c.kind is ContentKind.PRODUCT]
            places.append(keys.index(target.key))
        assert max(places) < 3
        assert places.count(0) >= 20


class TestAnswers:
    @pytest.mark.parametrize(
        "told",
        ["category:kitchen", "category:kitchen|garden/a", "category:!kitchen", "category:any", "price:10-40",
         "price:-40", "price:10.5-", "price:any", "tag:birds", "tag:!birds", "tag:birds:any", "tag:any"],
    )  # fmt: skip
    def test_read_back_as_they_were_written(self, told):
        assert parse_choice(told).key == told

    @pytest.mark.parametrize(
        "told",
        ["", "kitchen", "colour:red", "price:", "price:-", "price:40-10", "price:x-9", "price:-1-9", "price:nan-",
         "price:1e99-", "price:9", "category:", "category:a||b", "tag:" + "x" * 1_001, "category:" + "|".join("abcdefghijklmnopqrstuvwxyz")],
    )  # fmt: skip
    def test_that_are_none_are_refused(self, told):
        with pytest.raises(InvalidInput) as refusal:
            parse_choice(told, ("answers", 0))
        assert (refusal.value.kind, refusal.value.path) == ("UNKNOWN_ANSWER", ("answers", 0))

    def test_what_has_no_price_fits_no_price(self):
        assert not between(None, Decimal(9)).fits(make_content(price=None))
        assert between(Decimal("12.50"), Decimal("12.50")).fits(make_content())


def test_the_mix_of_a_scenario_that_asks_is_played_as_ever():
    assert ask(mix=Mix({"base": 1.0})).mix.weights == {"base": 1.0}
