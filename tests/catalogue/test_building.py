"""Building a snapshot: a pure function whose rows and arrays agree, whatever the order of what goes in."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.catalogue.building import build_snapshot
from hub.catalogue.model import Answer, Availability, BrandFacts, Content, ContentKind

KINDS = list(ContentKind)
CONTENTS = st.lists(
    st.builds(
        Content,
        key=st.text("abc", min_size=1, max_size=3),
        kind=st.sampled_from(KINDS),
        title=st.sampled_from(["rose", "spade", "pot"]),
        brand=st.sampled_from(["", "wren", "robin"]),
        category=st.sampled_from(["", "garden", "garden/roses"]),
        availability=st.sampled_from(list(Availability)),
        published_at=st.none() | st.just(datetime(2026, 1, 1, tzinfo=UTC)),
    ),
    unique_by=lambda content: content.key,
    max_size=12,
)


def built(contents, **more):
    vectors = {
        c.embedding_text: np.eye(4, dtype=np.float32)[len(c.title) % 4] for c in contents if c.title != "pot"
    }
    facts = (BrandFacts(key="wren", name="Wren", voice="Warm", house=True),)
    return build_snapshot(contents, vectors=vectors, encoder_id="e", dimensions=4, **{"facts": facts, **more})


@given(CONTENTS)
def test_every_array_tells_of_the_content_in_its_row(contents):
    snapshot = built(contents, popularity={"a": 0.5})
    assert [c.key for c in snapshot.contents] == sorted(c.key for c in contents)
    for row, content in enumerate(snapshot.contents):
        assert snapshot.row(content.key) == row
        assert snapshot.kinds[snapshot.kind_codes[row]] == content.kind
        assert snapshot.brands[snapshot.brand_codes[row]] == (content.brand or "wren")
        assert snapshot.categories[snapshot.category_codes[row]] == content.category
        assert snapshot.popularity[row] == (0.5 if content.key == "a" else 0)
        assert bool(snapshot.available[row]) is (
            content.availability not in {Availability.OUT_OF_STOCK, Availability.DISCONTINUED}
        )
        assert np.isnan(snapshot.published[row]) == (content.published_at is None)
        assert (snapshot.vector(content.key) is None) == (content.title == "pot")


@settings(deadline=None)
@given(CONTENTS, st.randoms())
def test_the_order_of_what_goes_in_does_not_matter(contents, random):
    shuffled = list(contents)
    random.shuffle(shuffled)
    one, two = built(contents), built(shuffled)
    assert one.version == two.version
    assert one.contents == two.contents
    assert np.array_equal(one.vectors, two.vectors)


@settings(deadline=None)
@given(CONTENTS.filter(bool))
def test_the_version_names_entries_encoder_and_popularity(contents):
    base = built(contents).version
    from dataclasses import replace

    changed = [replace(contents[0], version=2), *contents[1:]]
    assert built(changed).version != base
    assert built(contents[1:]).version != base
    assert built(contents, popularity_version="p").version != base
    assert built(contents, facts=()).version != base


def test_a_category_holds_what_lies_below_it_and_nothing_that_only_sounds_like_it():
    names = ["garden", "garden/roses", "gardening", ""]
    contents = [
        Content(key=str(i), kind=ContentKind.PRODUCT, title="rose", category=name)
        for i, name in enumerate(names)
    ]
    assert built(contents).rows_of_category("garden").tolist() == [0, 1]


def test_an_answer_is_found_by_its_title_and_by_each_of_its_questions():
    answers = [
        Answer(key="b", title="Returns", text="Thirty days."),
        Answer(key="a", title="Delivery", text="Two days.", questions=("When will it come?", "How long?")),
    ]
    vectors = {"How long?": np.array([0, 1, 0, 0], np.float32)}
    snapshot = build_snapshot((), vectors=vectors, encoder_id="e", dimensions=4, answers=answers)
    assert [answer.key for answer in snapshot.answers] == ["a", "b"]
    assert snapshot.answer_rows.tolist() == [0, 0, 0, 1]
    assert snapshot.answer_vectors[:, 1].tolist() == [0, 0, 1, 0]


def test_an_empty_catalogue_has_a_house_brand_that_can_speak():
    snapshot = build_snapshot((), vectors={}, encoder_id="e", dimensions=4)
    assert len(snapshot) == 0
    assert snapshot.vectors.shape == (0, 4)
    assert snapshot.facts[snapshot.house_brand].voice
