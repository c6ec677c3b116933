"""Documents and dataclasses: each round trip gives back what went in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

import bson
import numpy as np
import pytest
from bson import Binary
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hub.kit.money import Money
from hub.store.codecs import from_document, to_document, vector_from_bson, vector_to_bson


class Colour(StrEnum):
    RED = "RED"


@dataclass(frozen=True, slots=True)
class Inner:
    at: datetime
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Everything:
    key: str
    price: Money | None = None
    percent: Decimal | None = None
    inners: tuple[Inner, ...] = ()
    by_name: Mapping[str, Inner] = field(default_factory=dict)
    pairs: Mapping[str, tuple[Colour, Inner]] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    anything: Any = None
    body: bytes = b""


def through_bson(document: dict[str, Any]) -> dict[str, Any]:
    """What the driver gives back after the server kept it."""
    return bson.decode(bson.encode(document), codec_options=CodecOptions(tz_aware=True, tzinfo=UTC))


EARLIEST, LATEST = datetime(1970, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001  (hypothesis adds the zone)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=9))])
instants = st.datetimes(EARLIEST, LATEST, timezones=ZONES).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12)
inners = st.builds(Inner, at=instants)
words = st.text(max_size=20).filter(lambda text: "\0" not in text)
names = words.filter(lambda text: text and "$" not in text and "." not in text)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | words | amounts,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(names, inside, max_size=3),
    max_leaves=8,
)
everythings = st.builds(
    Everything,
    key=words,
    price=st.none() | st.builds(Money, amounts, st.just("EUR")),
    percent=st.none() | amounts,
    inners=st.lists(inners, max_size=3).map(tuple),
    by_name=st.dictionaries(names, inners, max_size=3),
    pairs=st.dictionaries(names, st.tuples(st.just(Colour.RED), inners), max_size=3),
    tags=st.frozensets(words, max_size=3),
    anything=anything,
    body=st.binary(max_size=20),
)


class TestRoundTrips:
    @given(everythings)
    def test_what_goes_in_comes_out(self, value):
        assert from_document(Everything, through_bson(to_document(value, _id=value.key))) == value

    @given(everythings)
    def test_equal_values_make_equal_bytes(self, value):
        again = from_document(Everything, through_bson(to_document(value)))
        assert bson.encode(to_document(again)) == bson.encode(to_document(value))

    def test_extra_fields_stand_beside_and_are_ignored_on_the_way_back(self):
        document = to_document(Inner(datetime(2026, 3, 2, tzinfo=UTC)), _id="x", state="new")
        assert (document["_id"], document["state"], document["colour"]) == ("x", "new", "RED")
        assert from_document(Inner, document).at == datetime(2026, 3, 2, tzinfo=UTC)

    def test_an_instant_is_cut_to_what_the_store_keeps(self):
        at = datetime(2026, 3, 2, 10, 0, 0, 123_999, tzinfo=UTC)
        assert to_document(Inner(at))["at"] == at.replace(microsecond=123_000)

    def test_an_instant_without_zone_is_refused(self):
        with pytest.raises(ValueError, match="timezone"):
            to_document(Inner(datetime(2026, 3, 2)))  # noqa: DTZ001  (that is the point)


@dataclass(frozen=True, slots=True, eq=False)
class Pointed:
    vector: NDArray[np.float32]


class TestVectors:
    @given(st.lists(st.floats(width=32, allow_nan=False), max_size=64))
    def test_every_bit_is_kept(self, numbers):
        vector = np.array(numbers, np.float32)
        kept = through_bson(to_document(Pointed(vector)))
        assert from_document(Pointed, kept).vector.tobytes() == vector.tobytes()

    def test_it_is_what_the_driver_itself_calls_a_vector(self):
        vector = np.array([0.5, -1.25, 3.0], np.float32)
        kept = vector_to_bson(vector)
        assert kept == Binary.from_vector(vector.tolist(), bson.binary.BinaryVectorDtype.FLOAT32)
        assert kept.as_vector().data == vector.tolist()

    def test_doubles_become_floats(self):
        assert vector_from_bson(vector_to_bson(np.array([0.1]))).dtype == np.float32

    def test_a_matrix_is_refused(self):
        with pytest.raises(ValueError, match="one dimension"):
            vector_to_bson(np.zeros((2, 2), np.float32))

    @pytest.mark.parametrize("other", [b"\x27\x00abcd", Binary(b"\x03\x00abcd", 9), Binary(b"", 9)])
    def test_other_bytes_are_refused(self, other):
        with pytest.raises(ValueError, match="not a BSON binary vector"):
            vector_from_bson(other)
