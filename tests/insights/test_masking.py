"""What is taken out of a question: before it is kept by pattern and name, before it is told by who says a word."""

import pytest

from hub.catalogue.model import Answer
from hub.insights.masking import MARK, common_words, hidden, house_words, kept, told, words_of
from hub.profiles.model import Fact, Identity, Source, Stamp
from tests.builders import NOW, make_content, make_profile, make_snapshot


def fact(value):
    return Fact(value, Source.DECLARED, Stamp(NOW, "m"))


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("write to ada.l@example.com please", f"write to {MARK} please"),
        ("see https://x.example/o?id=1 or www.shop.example", f"see {MARK} or {MARK}"),
        ("order 4711-22 is lost", f"order {MARK} is lost"),
        ("ring +44 (0)1632 960 199 now", f"ring {MARK} now"),
        ("my IBAN is GB29NWBK60161331926819", f"my IBAN is {MARK}"),
        ("2 for 1 and 60 days", "2 for 1 and 60 days"),
    ],
)
def test_addresses_and_long_numbers_are_not_kept(question, left):
    kept_of_it = kept(question, None)
    assert kept_of_it.replace(f"+{MARK}", MARK) == left


def test_what_the_customer_is_called_is_not_kept():
    named = make_profile(
        "p",
        identities=(Identity("email", "mia.stone@example.com", verified=True, first_seen_at=NOW),),
        traits={"firstname": fact("Mia"), "postcode": fact("BA1 1AA")},
    )
    assert kept("I am MIA Stone in BA1, is it late?", named) == f"I am {MARK} in {MARK}, is it late?"
    assert kept("I am MIA Stone", None) == "I am MIA Stone"


def test_a_word_is_common_once_five_askers_used_it():
    askers = {f"do you rent mowers {n}": {f"c{n}"} for n in range(4)} | {"Do you hire": {"c9"}}
    common = common_words(askers)
    assert {"do", "you"} <= common
    assert not {"rent", "mowers", "hire"} & common
    assert common_words({"rent rent rent": {"same"}}) == frozenset()


def test_the_houses_own_words_may_be_told():
    snapshot = make_snapshot(
        [make_content("oak", title="Oak Bench")],
        answers=(
            Answer(
                key="a", title="Returns", text="Send it back.", questions=("Can I return?",), brand="house"
            ),
        ),
    )
    assert {"oak", "bench", "returns", "send", "return"} <= house_words(snapshot)


def test_what_is_told_has_common_words_alone_and_one_mark_for_a_run():
    shown = told("Did Cousin Hieronymus return the bench?", words_of("did return the bench"))
    assert shown == f"Did {MARK} return the bench?"
    assert hidden(shown) == 1
