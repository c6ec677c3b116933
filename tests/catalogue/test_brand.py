"""The brand's rules: what is refused when it is put, and what the brand gate will remove."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.catalogue.brand import (
    check_answer,
    check_brand_facts,
    check_content,
    check_offer,
    fault_of,
    forbidden_word,
    house_of,
    offer_fault_of,
)
from hub.catalogue.model import Answer, BrandFacts, Claim, Content, ContentKind, Offer
from hub.errors import InvalidInput


def brand(**facts) -> BrandFacts:
    return BrandFacts(**{"key": "wren", "name": "Wren", "voice": "Warm", **facts})


def content(**fields) -> Content:
    return Content(**{"key": "c", "kind": ContentKind.PRODUCT, "title": "A rose", **fields})


WREN = brand(claims=(Claim("peat-free", "Grown without peat"),), forbidden=("cheap", "best in town"))
FACTS = {"wren": WREN}


class TestForbiddenWords:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Cheap roses", "Cheap"),
            ("so CHEAP!", "CHEAP"),
            ("cheaper", None),
            ("dirt-cheap", "cheap"),
            ("the best  in\ntown", "best  in\ntown"),
            ("best in townsville", None),
            ("", None),
        ],
    )
    def test_they_are_matched_whole_and_in_any_case(self, text, found):
        assert forbidden_word((text,), WREN) == found

    def test_a_word_with_signs_in_it_is_no_pattern(self):
        assert forbidden_word(("100% safe",), brand(forbidden=("100%",))) == "100%"
        assert forbidden_word(("abc",), brand(forbidden=("a.c",))) is None

    @given(st.text(max_size=60))
    def test_a_brand_that_forbids_nothing_finds_nothing(self, text):
        assert forbidden_word((text,), brand(forbidden=("", "  "))) is None


class TestFaults:
    def test_whoever_says_nothing_of_itself_is_held_to_the_house(self):
        """A maker's name in a feed, or a slip in a key, is no way around what the house never says."""
        for named in ("", "wren", "wern"):
            assert fault_of(content(brand=named, title="Cheap pot"), FACTS) == "forbidden_word"
            assert fault_of(content(brand=named, claims=("peat-free",)), FACTS) is None
        assert (
            fault_of(content(brand="finch", title="Cheap pot"), FACTS | {"finch": brand(key="finch")}) is None
        )

    def test_content_that_says_a_forbidden_word_breaks_that_rule(self):
        assert fault_of(content(summary="cheap and cheerful"), FACTS) == "forbidden_word"

    def test_content_that_relies_on_a_claim_not_made_breaks_that_rule(self):
        assert fault_of(content(claims=("organic",)), FACTS) == "unknown_claim"

    def test_good_content_breaks_none(self):
        assert fault_of(content(claims=("peat-free",)), FACTS) is None

    def test_content_of_another_brand_is_judged_by_that_brand(self):
        facts = {**FACTS, "robin": brand(key="robin")}
        assert fault_of(content(title="Cheap rose", brand="robin"), facts) is None


class TestRefusals:
    def test_a_claim_that_the_brand_does_not_make_is_refused_with_those_it_makes(self):
        with pytest.raises(InvalidInput) as caught:
            check_content(content(claims=("peat-free", "organic")), FACTS, (3,))
        assert caught.value.path == (3, "claims", 1)
        assert caught.value.kind == "UNKNOWN_CLAIM"
        assert "it makes: peat-free" in caught.value.message

    def test_an_answer_is_said_word_for_word_and_may_not_hold_a_forbidden_word(self):
        with pytest.raises(InvalidInput) as caught:
            check_answer(Answer(key="a", title="Prices", text="We are cheap."), FACTS)
        assert (caught.value.kind, caught.value.path) == ("FORBIDDEN_WORD", ("text",))

    def test_a_claim_may_not_say_what_is_forbidden(self):
        with pytest.raises(InvalidInput) as caught:
            check_brand_facts(brand(claims=(Claim("c", "Never cheap"),), forbidden=("cheap",)))
        assert caught.value.path == ("claims", 0, "text")

    def test_a_claim_may_not_be_made_twice(self):
        with pytest.raises(InvalidInput) as caught:
            check_brand_facts(brand(claims=(Claim("c", "One"), Claim("c", "Two"))))
        assert caught.value.kind == "DUPLICATE_CLAIM"


class TestHouse:
    def test_the_marked_brand_speaks_where_none_is_named(self):
        assert house_of({"a": brand(key="a"), "b": brand(key="b", house=True)}) == "b"

    def test_without_a_mark_the_first_by_key(self):
        assert house_of({"b": brand(key="b"), "a": brand(key="a")}) == "a"

    def test_without_any_brand_the_nameless_one(self):
        assert house_of({}) == ""


class TestOffers:
    @pytest.mark.parametrize(
        ("fields", "rule", "field"),
        [
            ({"title": "Cheap roses"}, "FORBIDDEN_WORD", "title"),
            ({"terms": "The best in town, until May."}, "FORBIDDEN_WORD", "terms"),
            ({"terms": "All our organic food."}, "UNPROVEN_CLAIM", "terms"),
            ({"terms": "See {{claim:peat-free}}."}, "UNKNOWN_REFERENCE", "terms"),
        ],
    )
    def test_title_and_terms_say_nothing_that_the_brand_does_not(self, fields, rule, field):
        offer = Offer(
            **{"key": "o", "title": "A tenth off", "terms": "Until May.", "brand": "wren", **fields}
        )
        facts = {"wren": brand(claims=WREN.claims, forbidden=WREN.forbidden, guarded=("organic",))}
        with pytest.raises(InvalidInput) as told:
            check_offer(offer, facts, (3,))
        assert (told.value.kind, told.value.path) == (rule, (3, field))
        assert offer_fault_of(offer, facts) == rule.lower()

    def test_one_that_says_nothing_of_the_kind_passes(self):
        offer = Offer(key="o", title="A tenth off", terms="Until May.", brand="wren")
        check_offer(offer, FACTS)
        assert offer_fault_of(offer, FACTS) is None
