"""A snapshot that follows another one says what one that is built from nothing says."""

from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.catalogue.model import Availability
from hub.kit.money import Money
from tests.builders import NOW, make_content, make_facts, make_snapshot, text_vector

KEYS = ("a", "b", "c", "d")
TITLES = (
    "Rose pot",
    "Miracle pot",
    "Pot, {{price:a}} less than the other",
    "Pot for {{price}}",
    "Pot {{claim:gone}}",
)
CONTENTS = st.builds(
    make_content,
    st.sampled_from(KEYS),
    title=st.sampled_from(TITLES),
    price=st.sampled_from([None, *(Money(Decimal(n), c) for n in (9, 12) for c in ("GBP", "EUR"))]),
    category=st.sampled_from(["garden/pots", "garden", "kitchen"]),
    editorial=st.sampled_from([0.0, 0.5]),
    published_at=st.sampled_from([None, NOW]),
    availability=st.sampled_from([Availability.IN_STOCK, Availability.OUT_OF_STOCK]),
    tags=st.sampled_from([(), ("blue",), ("{{price:a}}",)]),
    claims=st.sampled_from([(), ("returns",), ("gone",)]),
)
FACTS = st.sampled_from([(make_facts(),), (make_facts(forbidden=("miracle",)),), (make_facts(claims=()),)])


COLUMNS = (
    "vectors", "placed", "published", "available", "editorial", "key_checksums", "price_levels", "referring",
    "kind_codes", "category_codes", "brand_codes", "popularity",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(CONTENTS, max_size=4, unique_by=lambda c: c.key), FACTS), min_size=2, max_size=5
    )
)
def test_whatever_came_went_and_changed(steps):
    kept, before = {}, None
    for changed, facts in steps:
        kept = {key: content for key, content in kept.items() if len(key) + len(changed) != 3}
        kept |= {content.key: content for content in changed}
        keys = {content.key for content in changed}
        texts = {key: content.embedding_text for key, content in kept.items()}
        followed = make_snapshot(kept.values(), facts=facts, before=before, changed=keys, texts=texts)
        fresh = make_snapshot(kept.values(), facts=facts)
        assert followed.version == fresh.version
        assert followed.brand_faults == fresh.brand_faults
        assert followed.contents == fresh.contents
        for name in COLUMNS:
            assert np.array_equal(getattr(followed, name), getattr(fresh, name), equal_nan=True), name
        for name in ("starts", "places", "weights", "checksums"):
            assert np.array_equal(getattr(followed.words, name), getattr(fresh.words, name)), name
        assert (followed.kinds, followed.brands, followed.categories) == (
            fresh.kinds, fresh.brands, fresh.categories,
        )  # fmt: skip
        query = text_vector("rose pot")[None]
        for ours, theirs in zip(followed.index.search(query, 3), fresh.index.search(query, 3), strict=True):
            assert np.array_equal(ours, theirs)
        before = followed
