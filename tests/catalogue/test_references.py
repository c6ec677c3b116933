"""Brand facts by reference, and the rules that text is held to when it is put and when it is shown."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hub.answers.service import AnswerService
from hub.catalogue.brand import answer_fault_of, check_answer, check_content, fault_of
from hub.catalogue.building import build_snapshot
from hub.catalogue.model import Answer, BrandFacts, Claim, Content, ContentKind
from hub.catalogue.service import CatalogueService
from hub.errors import InvalidInput
from hub.kit.money import Money
from tests.catalogue.drawn import DrawnEncoder

WREN = BrandFacts(
    key="wren",
    name="Wren",
    voice="Warm",
    claims=(Claim("peat", "Our compost is peat-free."), Claim("returns", "You have 60 days.")),
    forbidden=("cheap",),
    guarded=("peat-free", "climate neutral"),
)
FACTS = {"wren": WREN}


class Asking:
    async def vector(self, text, *, keep):
        assert not keep
        return (await DrawnEncoder().vectors([text]))[0]


def product(**given) -> Content:
    fields = {
        "key": "pot",
        "kind": ContentKind.PRODUCT,
        "title": "A pot",
        "price": Money(Decimal("12.50"), "GBP"),
    }
    return Content(**{**fields, **given})


def reply(text: str, **given) -> Answer:
    return Answer(key="a", title="An answer", text=text, **given)


@pytest.fixture
def catalogue(store, clock):
    return CatalogueService(store, DrawnEncoder(), clock)


class TestReferences:
    def snapshot(self, *contents, answers=(), facts=WREN):
        return build_snapshot(
            contents, vectors={}, encoder_id="e", dimensions=4, answers=answers, facts=(facts,)
        )

    def test_claims_and_prices_are_said_in_the_words_in_force(self):
        content = product(summary="{{claim:returns}} Only {{price}}.")
        answer = reply("{{ claim:returns }} A pot is {{price:pot}}.")
        snapshot = self.snapshot(content, answers=(answer,))
        assert snapshot.contents[0].summary == "You have 60 days. Only £12.50."
        assert snapshot.answers[0].text == "You have 60 days. A pot is £12.50."
        reworded = replace(WREN, claims=(Claim("returns", "You have 90 days.", 2),))
        again = self.snapshot(
            replace(content, price=Money(Decimal(9), "GBP")), answers=(answer,), facts=reworded
        )
        assert again.contents[0].summary == "You have 90 days. Only £9.00."
        assert again.answers[0].text == "You have 90 days. A pot is £9.00."

    def test_a_claim_referred_to_is_relied_upon(self):
        snapshot = self.snapshot(product(text="{{claim:peat}}"), answers=(reply("{{claim:peat}}"),))
        assert snapshot.contents[0].claims == snapshot.answers[0].claims == ("peat",)

    def test_the_encoder_reads_the_contents_own_words_only(self):
        assert product(summary="Good {{claim:peat}}").embedding_text == "A pot. Good "

    @pytest.mark.parametrize("text", ["{{price:nothing}}", "{{colour}}", "{{price", "{{claim}}"])
    def test_what_refers_to_nothing_is_not_shown(self, text):
        snapshot = self.snapshot(product(summary=text), answers=(reply(text),))
        assert dict(snapshot.brand_faults) == dict(snapshot.answer_faults) == {0: "unknown_reference"}

    def test_an_answer_has_no_price_of_its_own(self):
        assert answer_fault_of(reply("It costs {{price}}"), FACTS) == "unknown_reference"


class TestRules:
    @pytest.mark.parametrize(
        ("content", "rule", "path"),
        [
            (product(title="Cheap pot"), "FORBIDDEN_WORD", ("title",)),
            (product(tags=("pot", "cheap")), "FORBIDDEN_WORD", ("tags", 1)),
            (product(text="Now {{claim:frost}}"), "UNKNOWN_CLAIM", ("text",)),
            (product(summary="Climate neutral"), "UNPROVEN_CLAIM", ("summary",)),
            (product(summary="Climate neutral", claims=("peat",)), "UNPROVEN_CLAIM", ("summary",)),
            (product(summary="Now £9.99"), "PRICE_DISAGREES", ("summary",)),
            (product(title="Gift voucher", summary="Now £9.99"), "PRICE_DISAGREES", ("summary",)),
            (product(title="Pot, now £9.99"), "PRICE_DISAGREES", ("title",)),
            (product(summary="Now 9.99 GBP"), "PRICE_DISAGREES", ("summary",)),
            (product(text="{{price:other}}"), "UNKNOWN_REFERENCE", ("text",)),
        ],
    )
    def test_text_that_breaks_a_rule_is_refused_with_the_place(self, content, rule, path):
        with pytest.raises(InvalidInput) as refused:
            check_content(content, FACTS, (2,))
        assert (refused.value.kind, refused.value.path) == (rule, (2, *path))
        assert fault_of(content, FACTS) == rule.lower()

    @pytest.mark.parametrize(
        "content",
        [
            product(summary="Peat-free", claims=("peat",)),
            product(summary="Peat-free, for {{claim:peat}}"),
            product(summary="£12.50, or £12.5"),
            product(summary="Only {{price}}"),
            product(summary="$9.99 elsewhere"),
            product(summary="£100 off", price=None),
            product(title="Gift voucher £100.00"),
            product(title="Geschenkgutschein über £20"),
        ],
    )
    def test_text_that_breaks_none_is_taken(self, content):
        check_content(content, FACTS)
        assert fault_of(content, FACTS) is None

    def test_an_answer_may_not_claim_what_is_not_proven(self):
        with pytest.raises(InvalidInput) as refused:
            check_answer(reply("We are climate neutral."), FACTS)
        assert (refused.value.kind, refused.value.path) == ("UNPROVEN_CLAIM", ("text",))


class TestPut:
    async def test_what_is_refused_is_not_written(self, catalogue, store):
        await catalogue.put_brand_facts([WREN])
        with pytest.raises(InvalidInput) as refused:
            await catalogue.put_contents([product(), product(key="b", summary="Only £3")])
        assert (refused.value.kind, refused.value.path) == ("PRICE_DISAGREES", (1, "summary"))
        assert await store.db["contents"].count_documents({}) == 0

    async def test_a_feed_may_be_kept_as_it_is_and_is_never_shown(self, catalogue):
        await catalogue.put_brand_facts([WREN])
        await catalogue.put_contents([product(summary="cheap")], keep_faulty=True)
        assert dict(catalogue.snapshot.brand_faults) == {0: "forbidden_word"}

    async def test_the_store_holds_the_reference_and_the_page_its_words(self, catalogue, store):
        await catalogue.put_brand_facts([WREN])
        await catalogue.put_contents([product(summary="{{claim:returns}} {{price:pot}}")])
        await catalogue.put_answers([reply("{{price:pot}}")])
        assert (await store.db["contents"].find_one({}))["summary"] == "{{claim:returns}} {{price:pot}}"
        assert catalogue.snapshot.contents[0].summary == "You have 60 days. £12.50"
        assert catalogue.snapshot.answers[0].text == "£12.50"

    async def test_an_answer_that_has_come_to_break_a_rule_is_not_said(self, catalogue, clock):
        await catalogue.put_brand_facts([WREN])
        await catalogue.put_answers([reply("A bargain.", questions=("What is it?",))])
        answers = AnswerService(catalogue, Asking())
        assert (await answers.answer("What is it?", at=clock.now())).answer is not None
        await catalogue.put_brand_facts([replace(WREN, forbidden=("bargain",))])
        result = await answers.answer("What is it?", at=clock.now())
        assert (result.answer, result.alternatives) == (None, ())
