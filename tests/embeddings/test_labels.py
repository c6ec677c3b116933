"""Labels on titles as shops write them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.labels import MOST_WORDS, Labeller
from hub.profiles.knowledge import naming
from tests.builders import make_content

CATALOGUE = [
    *(f"LUNCH BAG {pattern}" for pattern in ("RED RETROSPOT", "SUKI DESIGN", "PINK POLKADOT", "WOODLAND")),
    "SET OF 2 LUNCH BAGS, DOILY",
    *(f"JUMBO BAG {pattern}" for pattern in ("RED RETROSPOT", "PINK POLKADOT", "ALPHABET", "OWLS")),
    *(
        f"RETROSPOT {thing}"
        for thing in ("TEA SET CERAMIC 11 PC", "LAMP", "PARTY BAG + STICKER SET", "CAKE STAND")
    ),
    *(f"{number} PENCILS SMALL TUBE {pattern}" for number, pattern in ((12, "WOODLAND"), (6, "SKULL"))),
    *(f"HERB MARKER {herb}" for herb in ("BASIL", "MINT", "THYME", "PARSLEY")),
    *(f"{colour} DRAWER KNOB ACRYLIC EDWARDIAN" for colour in ("RED", "BLUE", "GREEN")),
    "CHARLIE & LOLA FIGURES TINS",
    "CHARLIE + LOLA BISCUIT TIN",
    "HOT WATER BOTTLE TEA AND SYMPATHY",
    "LOVE HOT WATER BOTTLES",
    "SILVER TREE OF LIFE MUG",
    "GLASS DRESSER BOWL",
    "GLASS HEART",
    *(f"Pruning {plant} in {month}" for plant, month in (("roses", "March"), ("apple trees", "January"))),
    "Roses that forgive a beginner",
]


@pytest.fixture(scope="module")
def labeller():
    return Labeller.fit(CATALOGUE)


def starting(*words):
    return [title for title in CATALOGUE if title.startswith(words)]


class TestWords:
    def test_are_what_the_titles_share_in_the_plural_that_the_corpus_knows(self, labeller):
        assert labeller.label(starting("LUNCH BAG")) == "lunch bags"

    def test_two_sorts_are_two_phrases(self, labeller):
        titles = [*starting("LUNCH BAG"), *starting("RETROSPOT")]
        assert labeller.label(titles, [5] * 4 + [4] * 4) == "lunch bags, retrospot"
        assert labeller.label(titles, [4] * 4 + [5] * 4) == "retrospot, lunch bags"

    def test_no_plural_is_guessed_that_nobody_wrote(self, labeller):
        assert labeller.label(starting("HERB MARKER")) == "herb marker"

    def test_colours_and_quantities_say_little(self, labeller):
        titles = ["RED DRAWER KNOB ACRYLIC EDWARDIAN", "BLUE DRAWER KNOB ACRYLIC EDWARDIAN"]
        assert "drawer knob" in labeller.label(titles) or "acrylic edwardian" in labeller.label(titles)
        assert labeller.label(["12 PENCILS SMALL TUBE WOODLAND", "6 PENCILS SMALL TUBE SKULL"]).startswith(
            "pencil"
        )

    def test_and_is_and_however_it_is_written(self, labeller):
        assert (
            labeller.label(["CHARLIE & LOLA FIGURES TINS", "CHARLIE + LOLA BISCUIT TIN"])
            == "charlie and lola"
        )

    def test_singular_and_plural_are_one_word(self, labeller):
        assert (
            labeller.label(["HOT WATER BOTTLE TEA AND SYMPATHY", "LOVE HOT WATER BOTTLES"])
            == "hot water bottles"
        )

    def test_a_word_that_only_ends_like_a_plural_is_left_alone(self, labeller):
        assert labeller.label(["GLASS DRESSER BOWL", "GLASS HEART"]) == "glass"

    def test_articles_are_named_as_well_as_products(self, labeller):
        assert "roses" in labeller.label(["Pruning roses in March", "Roses that forgive a beginner"])

    def test_heavier_titles_speak_louder(self, labeller):
        titles = [*starting("LUNCH BAG")[:2], *starting("HERB MARKER")[:2]]
        assert labeller.label(titles, [9, 9, 1, 1]).startswith("lunch bag")
        assert labeller.label(titles, [1, 1, 9, 9]).startswith("herb marker")

    def test_a_title_bought_often_is_one_title(self, labeller):
        once = labeller.label([*starting("HERB MARKER"), "GLASS HEART"])
        assert labeller.label([*starting("HERB MARKER")] * 3 + ["GLASS HEART"] * 3) == once


class TestWordsSideBySide:
    """Words that stand together in a title are one name, in the title's order, and no list."""

    HOUSE = (
        *CATALOGUE, "Sunflower kernels, 4 kg", "Peanuts, 4 kg", *(f"PAPER CHAIN {n}" for n in range(60)),
        "Rose 'Lantern Hill', climbing, warm yellow", "Seaweed tonic, 1 litre",
    )  # fmt: skip

    def test_of_one_title_they_make_its_name(self):
        labeller = Labeller.fit(self.HOUSE)
        assert labeller.label(["Sunflower kernels, 4 kg"]) == "sunflower kernels"

    def test_of_a_search_too(self):
        label = Labeller.fit(self.HOUSE).label(
            ["climbing rose for a warm wall", "Rose 'Lantern Hill', climbing, warm yellow"], [2, 1]
        )
        assert "warm, wall" not in label
        assert "wall, warm" not in label

    def test_words_that_only_happen_to_be_liked_by_one_customer_stay_apart(self, labeller):
        titles = [*starting("LUNCH BAG"), *starting("HERB MARKER")]
        assert labeller.label(titles) in {"lunch bags, herb marker", "herb marker, lunch bags"}

    def test_a_name_in_use_is_not_made_again(self):
        labeller = Labeller.fit(self.HOUSE)
        again = labeller.label(["Sunflower kernels, 4 kg"], taken=["sunflower kernels"])
        assert again
        assert again != "sunflower kernels"


class TestCategories:
    """A content's category stands behind its title: the house's own word for what titles do not share."""

    def test_name_what_titles_do_not_share(self):
        kettle = naming(make_content("kettle", title="Gooseneck kettle, electric", category="coffee/kettles"))
        grinder = naming(make_content("grinder", title="March hand grinder", category="coffee/hand-grinders"))
        assert grinder == "March hand grinder / coffee / hand grinders"
        labeller = Labeller.fit([*CATALOGUE, kettle, grinder])
        assert labeller.label([kettle, grinder]).startswith("coffee")

    def test_may_be_missing(self):
        assert naming(make_content("kettle", title="Kettle", category="")).strip(" /") == "Kettle"


class TestOneTitle:
    """A title alone has nothing in common with anything: it names itself, as far as a phrase goes."""

    @pytest.mark.parametrize(
        ("title", "name"),
        [
            ("Dishwasher tablets, 60, unwrapped", "dishwasher tablets"),
            ("Hedgerow Mug No. 3, Fox", "hedgerow mug"),
            ("A kitten's first week", "kitten's first week"),
            ("SET/6 RED SPOTTY PAPER PLATES", "red spotty paper plates"),
        ],
    )
    def test_names_itself(self, labeller, title, name):
        assert labeller.label([title]) == name
        assert labeller.label([title, title]) == name

    def test_if_it_is_short(self, labeller):
        label = labeller.label(["Why your cat scratches the best sofa and what it would like instead"])
        assert label
        assert len(label.replace(",", "").split()) <= MOST_WORDS

    def test_unless_another_has_that_name(self, labeller):
        assert labeller.label(["Paper lantern"], taken=["paper lantern"]) not in {"", "paper lantern"}


class TestTaken:
    def test_a_label_in_use_does_not_come_again(self, labeller):
        first = labeller.label(starting("LUNCH BAG"))
        second = labeller.label(starting("LUNCH BAG"), taken=[first])
        assert second
        assert second != first


class TestEdges:
    def test_no_texts_have_no_label(self, labeller):
        assert labeller.label([]) == ""

    def test_weights_of_nothing_count_alike(self, labeller):
        assert labeller.label(starting("LUNCH BAG"), [0.0] * len(starting("LUNCH BAG"))) == "lunch bags"

    def test_a_text_without_words_is_its_own_label(self, labeller):
        assert labeller.label(["85123A 22"]) == "85123a 22"

    def test_weights_must_fit(self, labeller):
        with pytest.raises(ValueError, match="2 texts, but 1 weights"):
            labeller.label(["a", "b"], [1.0])

    def test_an_empty_corpus_still_finds_what_is_shared(self):
        assert Labeller.fit([]).label(["garden gloves", "garden gloves"]) == "garden gloves"

    def test_other_alphabets_are_words(self, labeller):
        assert labeller.label(["розы садовые", "розы белые"]).startswith("розы")

    @given(st.lists(st.sampled_from(CATALOGUE), min_size=1, max_size=20), st.randoms(use_true_random=False))
    def test_is_short_lower_case_and_does_not_depend_on_the_order(self, titles, shuffler: random.Random):
        labeller = Labeller.fit(CATALOGUE)
        label = labeller.label(titles)
        assert label
        assert label == label.lower()
        assert len(label.replace(",", "").split()) <= MOST_WORDS
        shuffled = titles.copy()
        shuffler.shuffle(shuffled)
        assert labeller.label(shuffled) == label

    @given(st.lists(st.text(max_size=60), min_size=1, max_size=10))
    def test_any_text_at_all_has_some_label_if_it_has_words(self, texts):
        label = Labeller.fit(CATALOGUE).label(texts)
        assert label or not any(text.split() for text in texts)
