"""Canonical JSON: equal values are equal bytes, whatever way they were written down."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.canonical import canonical, digest, plain


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Thing:
    zebra: object
    apple: object


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8")),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.just(UTC)),
    st.just(Colour.RED),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
        st.builds(Thing, inner, inner),
        st.dictionaries(st.just(Colour.RED), inner),
    ),
    max_leaves=20,
)


@given(VALUES)
def test_the_bytes_are_those_of_the_plain_form_with_sorted_keys(value):
    assert canonical(value) == orjson.dumps(plain(value), option=orjson.OPT_SORT_KEYS)


def test_the_order_of_keys_fields_and_members_does_not_matter():
    assert canonical({"b": 1, "a": 2}) == canonical({"a": 2, "b": 1}) == b'{"a":2,"b":1}'
    assert canonical(Thing(zebra=1, apple=2)) == b'{"apple":2,"zebra":1}'
    assert canonical({"b", "a"}) == canonical(frozenset({"a", "b"})) == b'["a","b"]'


def test_instants_are_spelled_in_one_way():
    noon = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert (
        canonical(noon)
        == canonical(noon.astimezone(timezone(timedelta(hours=2))))
        == b'"2026-03-01T12:00:00.123Z"'
    )


def test_money_keeps_its_digits():
    assert canonical(Decimal("12.90")) == b'"12.90"'


def test_what_has_no_plain_form_is_refused():
    with pytest.raises(TypeError, match="object"):
        canonical({"a": object()})


def test_a_digest_tells_values_apart():
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
