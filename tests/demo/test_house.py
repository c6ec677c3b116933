"""The demo house: that its files fit the model, hang together, and break exactly the rules that they mean to."""

import json
import re
from collections import Counter
from importlib.resources import files
from xml.etree import ElementTree as ET

import pytest

from hub.catalogue.brand import (
    FORBIDDEN_WORD,
    check_answer,
    check_brand_facts,
    check_content,
    fault_of,
    house_of,
)
from hub.catalogue.model import Answer, Availability, BrandFacts, Content, ContentKind, NeedPattern, Offer
from hub.decisions.moment import TITLES
from hub.decisions.scenario_check import check_scenario, check_specifications
from hub.decisions.scenario_files import shipped_files
from hub.demo.house import CONTENT_FILES, load_house
from hub.errors import InvalidInput
from hub.layers.registry import own_layers
from tests.builders import make_snapshot

BREAK_A_RULE_ON_PURPOSE = {"cheap-and-cheerful-pots", "tea-nettle-spring"}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def house():
    return load_house()


@pytest.fixture(scope="module")
def facts(house):
    return {brand.key: brand for brand in house.brand_facts}


@pytest.fixture(scope="module")
def categories(house):
    return {content.category for content in house.contents}


def exists(category, categories):
    return any(known == category or known.startswith(f"{category}/") for known in categories)


def test_every_scenario_that_ships_fits_the_house(house):
    """A marketer takes the text, changes it and drafts it: nothing in it may be refused before that."""
    snapshot = make_snapshot(house.contents, facts=house.brand_facts, offers=house.offers)
    layers = [layer.name for layer in own_layers()]
    for written in shipped_files().values():
        check_scenario(written.scenario(), layers, snapshot)
        check_specifications(written, layers, snapshot)


def words(content):
    return len(content.text.split())


class TestCounts:
    def test_products_articles_answers_brands_and_offers(self, house):
        kinds = Counter(content.kind for content in house.contents)
        assert 300 <= kinds[ContentKind.PRODUCT] <= 350
        assert sum(kinds.values()) - kinds[ContentKind.PRODUCT] == 60
        assert min(kinds[kind] for kind in ContentKind) >= 10
        assert (len(house.answers), len(house.brand_facts), len(house.offers)) == (60, 2, 12)

    def test_both_sister_brands_have_a_shelf_of_their_own(self, house):
        products = [c for c in house.contents if c.kind is ContentKind.PRODUCT]
        for brand in ("thrushcombe", "kitterby"):
            own = [c for c in products if c.brand == brand]
            assert len(own) > 100
            assert len({c.category.split("/")[0] for c in own}) >= 5

    def test_every_need_and_every_availability_occurs(self, house):
        products = [c for c in house.contents if c.kind is ContentKind.PRODUCT]
        assert {c.need.pattern for c in products} == set(NeedPattern)
        assert {c.availability for c in products} == set(Availability)
        assert sum(c.availability is Availability.IN_STOCK for c in products) > 0.9 * len(products)


class TestKeysAndWords:
    def test_keys_are_unique(self, house):
        for entries in (house.contents, house.answers, house.brand_facts, house.offers):
            assert len({entry.key for entry in entries}) == len(entries)

    def test_titles_are_unique(self, house):
        assert len({content.title for content in house.contents}) == len(house.contents)
        assert len({answer.title for answer in house.answers}) == len(house.answers)

    def test_no_sentence_is_used_twice(self, house):
        told = [f"{c.summary} {c.text}" for c in house.contents] + [a.text for a in house.answers]
        sentences = Counter(
            sentence
            for text in told
            for sentence in re.split(r"(?<=[.!?])\s+", text)
            if len(sentence.split()) > 3 and not sentence[0].isdigit()  # measures may be alike
        )
        assert [sentence for sentence, times in sentences.items() if times > 1] == []

    def test_articles_have_something_to_say(self, house):
        articles = [c for c in house.contents if c.kind is not ContentKind.PRODUCT]
        assert [c.key for c in articles if not 80 <= words(c) <= 200] == []

    def test_everything_has_a_summary_tags_a_price_where_it_is_sold_and_a_day(self, house):
        for content in house.contents:
            assert content.summary
            assert content.text
            assert content.tags
            assert content.published_at is not None
            assert -1 <= content.editorial <= 1
            assert (content.price is not None) == (content.kind is ContentKind.PRODUCT)
            if content.price is not None:
                assert content.price.amount > 0
                assert content.price.currency == "GBP"

    def test_each_answer_is_asked_in_three_to_six_ways_and_no_way_twice(self, house):
        assert [a.key for a in house.answers if not 3 <= len(a.questions) <= 6] == []
        ways = Counter(question.lower() for a in house.answers for question in a.questions)
        assert [way for way, times in ways.items() if times > 1] == []


class TestReferences:
    def test_complements_are_categories_that_exist(self, house, categories):
        missing = {(c.key, g) for c in house.contents for g in c.goes_with if not exists(g, categories)}
        assert missing == set()

    def test_nothing_is_its_own_complement(self, house):
        assert [c.key for c in house.contents if c.category in c.goes_with] == []

    def test_brands_are_known(self, house, facts):
        for entry in (*house.contents, *house.answers, *house.offers):
            assert entry.brand in facts

    def test_one_brand_speaks_for_the_house(self, facts):
        assert house_of(facts) == "thrushcombe"
        assert [brand.key for brand in facts.values() if brand.house] == ["thrushcombe"]

    def test_claims_are_made_by_the_brand_that_relies_on_them_and_each_is_used(self, house, facts):
        for content in house.contents:
            check_content(content, facts, keep_faulty=True)
        for answer in house.answers:
            check_answer(answer, facts)
        used = {(e.brand, claim) for e in (*house.contents, *house.answers) for claim in e.claims}
        assert {(b.key, c.key) for b in facts.values() for c in b.claims} == used

    def test_offers_name_categories_and_moments_that_exist(self, house, categories):
        for offer in house.offers:
            assert [c for c in offer.categories if not exists(c, categories)] == []
            assert set(offer.moments) <= set(TITLES)

    def test_offers_and_answers_hold_for_years_around_now(self, house, clock):
        now = clock.now()
        for moment in (now.replace(year=now.year - 1), now, now.replace(year=now.year + 3)):
            assert all(offer.holds_at(moment) for offer in house.offers)
            assert all(answer.holds_at(moment) for answer in house.answers)

    def test_an_offer_takes_off_one_thing_and_says_its_terms(self, house):
        for offer in house.offers:
            assert (offer.percent_off is None) != (offer.amount_off is None)
            assert len(offer.terms) > 30


class TestBrandRules:
    def test_exactly_two_contents_break_a_rule_and_they_mean_to(self, house, facts):
        faults = {c.key: fault_of(c, facts) for c in house.contents if fault_of(c, facts) is not None}
        assert faults == dict.fromkeys(BREAK_A_RULE_ON_PURPOSE, FORBIDDEN_WORD)

    def test_the_facts_do_not_contradict_themselves(self, house):
        for brand in house.brand_facts:
            check_brand_facts(brand)
            assert brand.forbidden
            assert brand.voice
            assert brand.sender_email.endswith(".example")
            assert brand.website.endswith(".example")
            assert re.fullmatch(r"#[0-9a-f]{6}", brand.colour)


class TestPictures:
    def test_each_content_has_a_picture_that_exists_and_each_picture_is_used(self, house):
        wanted = {content.image_url for content in house.contents}
        folder = files("hub.demo") / "pictures"
        drawn = {f"/demo/pictures/{file.name}" for file in folder.iterdir()}
        assert wanted == drawn
        assert len(drawn) >= 40

    def test_each_is_a_small_svg_with_a_title_and_nothing_that_runs_or_is_fetched(self):
        for file in (files("hub.demo") / "pictures").iterdir():
            text = file.read_text(encoding="utf-8")
            root = ET.fromstring(text)
            assert root.tag == f"{SVG}svg", file.name
            assert root.get("viewBox") == "0 0 240 240", file.name
            assert (root.findtext(f"{SVG}title") or "").strip(), file.name
            assert len(text) < 6_000, file.name
            tags = {element.tag.removeprefix(SVG) for element in root.iter()}
            assert tags <= {"svg", "title", "g", "path", "circle", "ellipse", "rect"}, file.name
            assert "href" not in text, file.name


class TestFiles:
    @pytest.mark.parametrize(
        ("names", "of"),
        [
            (CONTENT_FILES, Content),
            (("answers.jsonl",), Answer),
            (("brand_facts.jsonl",), BrandFacts),
            (("offers.jsonl",), Offer),
        ],
    )
    def test_no_field_is_one_that_the_model_does_not_know(self, names, of):
        for name in names:
            for line in (files("hub.demo") / "brand" / name).read_text(encoding="utf-8").splitlines():
                assert set(json.loads(line)) <= set(of.__dataclass_fields__)

    def test_a_line_that_is_no_entry_is_named_with_its_file_line_and_field(self, tmp_path):
        for source in (files("hub.demo") / "brand").iterdir():
            (tmp_path / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
        row = {
            "key": "vase",
            "kind": "PRODUCT",
            "title": "Vase",
            "price": {"amount": "many", "currency": "GBP"},
        }
        (tmp_path / "articles.jsonl").write_text("\n" + json.dumps(row) + "\n", encoding="utf-8")
        with pytest.raises(InvalidInput) as refused:
            load_house(tmp_path)
        assert refused.value.path[:3] == ("articles.jsonl", 2, "price")

    def test_a_line_that_is_no_json_is_named(self, tmp_path):
        (tmp_path / "products.jsonl").write_text('{"key": \n', encoding="utf-8")
        with pytest.raises(InvalidInput) as refused:
            load_house(tmp_path)
        assert refused.value.path == ("products.jsonl", 1)
