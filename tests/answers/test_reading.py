"""A question is read whatever its letters look like; a word is put right only if nobody knows it."""

import pytest

from hub.answers.reading import Spelling, plain, spelling_of
from hub.catalogue.model import Answer

ASKED = (
    "How do I activate my card",
    "Can I return an item",
    "How do I return something",
    "favourite reimbursement",
)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("\uff28\uff2f\uff37\u3000\uff44\uff4f \uff49 return", "HOW do i return"),
        ("where is my parcel 📦😡👍🏽", "where is my parcel"),
        ("really?!?! ... yes", "really? yes"),
        ("how\u200bdo\u200bI\u202e return\x00", "how do I return"),
        ("how.do_i.return", "how do i return"),
        ("is it 3.50 at 10-12 o'clock", "is it 3.50 at 10-12 o'clock"),
        ("café, naïve", "café, naïve"),
        ("返品したい", "返品したい"),
        ("?!... 😡", ""),
        ("\u200b", ""),
    ],
)
def test_what_does_not_bear_on_meaning_is_left_out(typed, read):
    assert plain(typed) == read


class TestSpelling:
    @pytest.mark.parametrize(
        ("typed", "read"),
        [
            ("how do I retrun it", "how do I return it"),
            ("a somethng else", "a something else"),
            ("an iitem or itemm", "an item or item"),
            ("atcivate reimbursment riembursemnt", "activate reimbursement reimbursement"),
            ("ertrun", "ertrun"),  # two slips in a short word
            ("hwo", "hwo"),  # too short to tell
            ("Klarna", "Klarna"),
        ],
    )
    def test_the_nearest_word_by_which_the_house_is_asked_is_read(self, typed, read):
        assert Spelling(ASKED, (), lambda _: False).corrected(typed) == read

    def test_of_two_as_near_the_more_usual_is_read(self):
        asked = ("cart", "card", "card")
        assert Spelling(asked, (), lambda _: False).corrected("carx") == "card"

    def test_a_word_of_the_language_or_of_the_house_is_never_turned_into_another(self):
        house = spelling_of(
            [
                Answer(
                    key="a",
                    title="I want to reactivate it",
                    text="Ask for the cartd.",
                    questions=("my card",),
                )
            ]
        )
        assert house.corrected("deactivate my cartd and cards") == "deactivate my cartd and cards"
        assert house.corrected("raectivate my caard") == "reactivate my card"

    def test_the_languages_of_the_answers_have_dictionaries_too(self):
        german = Answer(
            key="a", title="Passwort", text="So.", questions=("Wo ist das Paket",), locale="de-AT"
        )
        assert spelling_of([german]).corrected("Pakete und Paekt") == "Pakete und paket"
        klingon = Answer(key="b", title="nuqneH", text="Qapla'", locale="tlh")
        assert spelling_of([klingon]).corrected("return") == "return"
