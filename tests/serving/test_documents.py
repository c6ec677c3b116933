"""Documents are prepared once."""

import pytest
from graphql import GraphQLError

from hub.serving import documents as module
from hub.serving.documents import LONGEST_KEPT, Documents
from hub.serving.limits import Limits
from tests.serving.conftest import small_schema


@pytest.fixture
def documents():
    return Documents(small_schema(), Limits())


class TestKeeping:
    def test_a_document_is_prepared_once(self, documents):
        assert documents.prepare("{ hello }") is documents.prepare("{ hello }")
        assert documents.prepare("{ hello }") is not documents.prepare("{hello}")

    def test_a_refused_document_is_refused_again_without_work(self, documents):
        assert documents.prepare("{ nothing }") is documents.prepare("{ nothing }")

    def test_a_long_document_is_not_kept(self, documents):
        long = "{ hello }" + " " * LONGEST_KEPT
        assert documents.prepare(long).document is not None
        assert documents.prepare(long) is not documents.prepare(long)

    def test_the_least_recently_asked_goes_first(self, documents, monkeypatch):
        monkeypatch.setattr(module, "MOST_DOCUMENTS", 2)
        first, second = documents.prepare("{ a: hello }"), documents.prepare("{ b: hello }")
        assert documents.prepare("{ a: hello }") is first
        documents.prepare("{ c: hello }")
        assert documents.prepare("{ a: hello }") is first
        assert documents.prepare("{ b: hello }") is not second

    def test_prices_are_remembered_by_the_values_they_depend_on(self, documents):
        prepared = documents.prepare(
            "query($n: Int!, $s: String!) { items(first: $n) { name } hello(name: $s) }"
        )
        operation = prepared.operation(None)
        for n, s in ((5, "a"), (5, "b"), (6, "a")):
            assert documents.check_price(prepared, operation, {"n": n, "s": s}) is None
        assert sorted(prepared.prices.values()) == [7, 8]

    def test_prices_do_not_pile_up(self, documents):
        prepared = documents.prepare("query($n: Int!) { items(first: $n) { name } }")
        for n in range(1_000):
            documents.check_price(prepared, prepared.operation(None), {"n": n})
        assert len(prepared.prices) <= module.MOST_PRICES

    def test_values_that_cannot_be_a_price_s_key_are_left_to_validation(self, documents):
        prepared = documents.prepare("query($n: Int!) { items(first: $n) { name } }")
        for value in ([], {}, "x", None, 1.5):
            assert documents.check_price(prepared, prepared.operation(None), {"n": value}) is None


class TestOperation:
    def test_the_only_one_needs_no_name(self, documents):
        assert documents.prepare("query A { hello }").operation(None).name.value == "A"

    def test_several_need_one(self, documents):
        prepared = documents.prepare("query A { hello } query B { hello }")
        assert prepared.operation("B").name.value == "B"
        with pytest.raises(GraphQLError, match="several operations"):
            prepared.operation(None)

    def test_one_that_there_is_not(self, documents):
        with pytest.raises(GraphQLError, match="no operation 'C'"):
            documents.prepare("query A { hello }").operation("C")
