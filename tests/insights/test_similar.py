import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidInput
from hub.insights.similar import SMALLEST_GROUP, SimilarService, groups
from hub.profiles.model import Consent, ConsentState, Interest, InterestKind, Purpose
from hub.profiles.profile_codec import profile_to_document
from tests.builders import NOW, make_profile

NOWHERE = np.zeros(2, np.float32)


def interests(*labels, kind=InterestKind.LONG_TERM):
    return tuple(Interest(f"i_{label}", kind, label, 0.1, NOWHERE) for label in labels)


def stored(number, *labels, kind=InterestKind.LONG_TERM, consents=()):
    """Return a profile's document as the hub writes it."""
    profile = make_profile(f"prf_{number}", interests=interests(*labels, kind=kind), consents=consents)
    return profile_to_document(profile, folded={}, catalogue_version="", unplaced=False)


sets = st.dictionaries(
    st.frozensets(st.sampled_from("abcde"), max_size=5), st.integers(min_value=1, max_value=12), max_size=12
)


@given(sets)
def test_no_group_is_small_enough_to_pick_a_person_out_of(shared):
    told = groups(shared)
    assert all(group.count >= SMALLEST_GROUP for group in told)
    assert len({group.shared_interests for group in told}) == len(told)


@given(sets)
def test_groups_are_disjoint_so_their_counts_never_exceed_the_customers(shared):
    assert sum(group.count for group in groups(shared)) <= sum(shared.values())


@given(sets)
def test_a_group_is_told_of_nobody_who_shares_less(shared):
    for group in groups(shared):
        able = sum(n for labels, n in shared.items() if labels >= set(group.shared_interests))
        assert group.count <= able


class TestSimilar:
    async def test_groups_hold_other_customers_with_the_same_interests(self, store):
        refused = (Consent(Purpose.ANALYTICS, "*", ConsentState.DENIED, NOW, "test"),)
        await store.db["profiles"].insert_many(
            [stored(0, "roses", "tea")]
            + [stored(n, "roses", "tea", "bread") for n in range(1, 7)]
            + [stored(n, "roses") for n in range(10, 15)]
            + [stored(n, "tea") for n in range(20, 24)]
            + [stored(n, "roses", kind=InterestKind.AVOIDED) for n in range(30, 40)]
            + [stored(n, "tea", consents=refused) for n in range(50, 60)]
        )
        profile = make_profile("prf_0", interests=interests("roses", "tea"))
        page = await SimilarService(store).similar(profile)
        assert [(g.shared_interests, g.count) for g in page.nodes] == [(("roses", "tea"), 6), (("roses",), 5)]

    async def test_a_customer_without_interests_is_like_nobody(self, store):
        await store.db["profiles"].insert_many([stored(n, "roses") for n in range(9)])
        assert (await SimilarService(store).similar(make_profile())).nodes == ()

    async def test_an_impossible_page_is_refused(self, store):
        with pytest.raises(InvalidInput):
            await SimilarService(store).similar(make_profile(), first=-1)
