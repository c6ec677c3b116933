"""One spelling for each identity, whatever people write."""
# ruff: noqa: RUF001 - signs that look alike are what is tested here

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidInput
from hub.profiles.identity import assume_region, normalise
from tests.profiles.rooms import Rooms


class TestPhones:
    @pytest.mark.parametrize(
        "written",
        [
            "020 7946 0000",
            "+44 20 7946 0000",
            "+44 (0)20 7946-0000",
            "0044 020 7946 0000",
            "０２０ ７９４６ ００００",
        ],
    )
    def test_every_spelling_is_the_same_number(self, written: str) -> None:
        assert normalise("phone", written) == "+442079460000"

    def test_without_a_country_code_it_is_of_the_assumed_region(self) -> None:
        assume_region("DE")
        try:
            assert normalise("phone", "030 901820") == "+4930901820"
            assert normalise("phone", "+44 20 7946 0000") == "+442079460000"
        finally:
            assume_region("GB")

    def test_a_region_that_is_none_is_refused(self) -> None:
        with pytest.raises(InvalidInput) as caught:
            assume_region("XX")
        assert caught.value.kind == "UNKNOWN_REGION"

    @pytest.mark.parametrize("written", ["call me", "12345", "+44 1", "+999 12345678", "", "1" * 40])
    def test_what_is_no_number_is_a_typed_error(self, written: str) -> None:
        with pytest.raises(InvalidInput):
            normalise("phone", written)

    async def test_a_trait_that_is_no_number_stays_a_trait_and_is_no_identity(self, rooms: Rooms) -> None:
        receipt = await rooms.identify("mia", phone="ask my mother")
        profile = await rooms.require("mia")
        assert receipt.rejected == ()
        assert profile.traits["phone"].value == "ask my mother"
        assert profile.identity("phone") is None


class TestAddresses:
    def test_case_width_and_invisible_signs_do_not_matter_and_plus_addressing_does(self) -> None:
        assert normalise("email", " Ａda@Example.COM\u200b ") == "ada@example.com"
        assert normalise("email", "ada+roses@example.com") != normalise("email", "ada@example.com")

    def test_composed_and_decomposed_are_one(self) -> None:
        decomposed = unicodedata.normalize("NFD", "rené")
        assert normalise("user_id", decomposed) == normalise("user_id", "rené") == "rené"
        assert normalise("user_id", "Ada") != normalise("user_id", "ada")


@given(
    st.sampled_from(["email", "phone", "user_id"]),
    st.text(max_size=30) | st.emails() | st.from_regex(r"\+?[0-9 ]{5,16}"),
)
def test_what_is_normalised_stays_as_it_is(kind: str, value: str) -> None:
    try:
        once = normalise(kind, value)
    except InvalidInput:
        return
    assert normalise(kind, once) == once


@given(st.text(alphabet=st.characters(max_codepoint=0x7F), max_size=20))
def test_an_ascii_id_stays_as_it_is_but_for_blanks_around_it_unless_it_holds_a_control_character(
    value: str,
) -> None:
    bare = value.strip()
    if not bare or any(unicodedata.category(sign) == "Cc" for sign in bare):
        with pytest.raises(InvalidInput):
            normalise("user_id", value)
    else:
        assert normalise("user_id", value) == bare
