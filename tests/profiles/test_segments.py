"""Segment rules: what they mean in memory, and that MongoDB answers the same for every operator."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.catalogue.model import Segment
from hub.catalogue.service import CatalogueService
from hub.consent.gate import admit
from hub.errors import InvalidInput
from hub.profiles.model import (
    Fact,
    Interest,
    InterestKind,
    Ownership,
    Signal,
    SignalKind,
    Source,
    Stamp,
)
from hub.profiles.profile_codec import profile_to_document
from hub.profiles.segment_queries import count_members, list_members
from hub.profiles.segment_rules import OPERATORS, check_segment, parse_rule
from hub.profiles.segments import holds
from tests.builders import NOW, make_profile, text_vector
from tests.profiles.rooms import make_rooms, small_shop

SHOP = small_shop()
KEYS = [content.key for content in SHOP.contents]
CATEGORIES = ["garden", "garden/roses", "garden/tools", "bakery", "nowhere"]
KINDS = [SignalKind.PURCHASED, SignalKind.VIEWED, SignalKind.SEARCHED]
LABELS = ["roses", "old roses", "rye bread", "$lamp"]
VALUES = ["gold", "$gold", "", 1, 1.0, 0, 2.5, True, False, ["gold"], -3]


def someone(number: int):
    """Return a customer of any sort; the same for the same number."""
    draw = random.Random(number)
    stamp = Stamp(NOW, "m")
    traits = {
        key: Fact(draw.choice(VALUES), draw.choice(list(Source)), stamp)
        for key in ("tier", "age", "$odd.key")
        if draw.random() < 0.7
    }
    recent = tuple(
        Signal(Stamp(NOW + timedelta(hours=draw.randint(-2400, 2)), f"m{n}"), kind, key, None)
        for n in range(draw.randint(0, 8))
        for kind, key in [(draw.choice(KINDS), draw.choice([*KEYS, None, "gone"]))]
    )
    owned = {
        key: Ownership(draw.randint(0, 3), NOW, NOW)
        for key in draw.sample([*KEYS, "gone"], draw.randint(0, 4))
    }
    interests = tuple(
        Interest(
            f"i{n}",
            draw.choice(list(InterestKind)),
            draw.choice(LABELS),
            draw.choice([0.1, 0.5, 1.0]),
            text_vector("x"),
        )
        for n in range(draw.randint(0, 3))
    )
    seen = [NOW - timedelta(days=draw.randint(0, 400)) for _ in range(2)]
    return make_profile(
        f"prf_{number:03d}",
        traits=traits,
        recent=recent,
        owned=owned,
        interests=interests,
        first_seen_at=None if draw.random() < 0.1 else min(seen),
        last_seen_at=None if draw.random() < 0.1 else max(seen),
    )


PEOPLE = [someone(number) for number in range(120)]

names = st.sampled_from(["tier", "age", "$odd.key", "none"])
values = st.sampled_from([value for value in VALUES if not isinstance(value, list)])
numbers = st.sampled_from([0, 1, 2.5, -3.0])
days = st.sampled_from([0, 1, 30.5, 90, 365])
LEAVES = {
    "trait": st.one_of(
        st.builds(lambda name: {"trait": name}, names),
        st.builds(lambda name, value: {"trait": name, "is": value}, names, values),
        st.builds(lambda n, v: {"trait": n, "in": v}, names, st.lists(values, min_size=1, max_size=3)),
        st.builds(lambda name, low: {"trait": name, "above": low}, names, numbers),
        st.builds(lambda name, high: {"trait": name, "below": high}, names, numbers),
    ),
    "did": st.builds(
        lambda kind, times, within, category: (
            {"did": kind.value, "times": times}
            | ({} if within is None else {"within_days": within})
            | ({} if category is None else {"category": category})
        ),
        st.sampled_from(KINDS),
        st.integers(1, 3),
        st.one_of(st.none(), days),
        st.one_of(st.none(), st.sampled_from(CATEGORIES)),
    ),
    "owns": st.builds(
        lambda category, least: {"owns": category, "at_least": least},
        st.sampled_from(CATEGORIES),
        st.integers(1, 4),
    ),
    "interest": st.builds(
        lambda words, least, kind: {"interest": words, "at_least": least, "kind": kind},
        st.sampled_from(["roses", "rye", "$lamp", "Roses"]),
        st.sampled_from([0, 0.1, 0.3, 1]),
        st.sampled_from(["LONG_TERM", "DECLARED", "AVOIDED"]),
    ),
    "known_days": st.builds(lambda n: {"known_days": n}, days),
    "absent_days": st.builds(lambda n: {"absent_days": n}, days),
}
leaves = st.one_of(*LEAVES.values())
NESTED = {
    "all": st.builds(lambda rules: {"all": rules}, st.lists(leaves, max_size=3)),
    "any": st.builds(lambda rules: {"any": rules}, st.lists(leaves, min_size=1, max_size=3)),
    "not": st.builds(lambda rule: {"not": rule}, leaves),
}
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda each: {"all": each}, st.lists(inner, max_size=3)),
        st.builds(lambda each: {"any": each}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda each: {"not": each}, inner),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
async def people(mongodb_client, mongodb_uri):
    """A database with a hundred and twenty customers, and one that was merged away."""
    db = mongodb_client["tutti-test-segments"]
    await mongodb_client.drop_database(db.name)
    documents = [profile_to_document(p, folded={}, catalogue_version="", unplaced=False) for p in PEOPLE]
    await db["profiles"].insert_many(
        [*documents, {**documents[0], "_id": "prf_gone", "merged_into": "prf_000"}]
    )
    yield db
    await mongodb_client.drop_database(db.name)


async def agree(db, told):
    rule = parse_rule(told)
    members = [profile.id for profile in PEOPLE if holds(rule, profile, SHOP, NOW)]
    assert await list_members(db, rule, SHOP, NOW) == members
    assert await count_members(db, rule, SHOP, NOW) == len(members)


@pytest.mark.mongod
@pytest.mark.parametrize("operator", OPERATORS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_the_store_answers_as_memory_does_for_each_operator(people, operator, data):
    await agree(people, data.draw((LEAVES | NESTED)[operator]))


@pytest.mark.mongod
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(told=rules)
async def test_the_store_answers_as_memory_does_for_whole_rules(people, told):
    await agree(people, told)


@pytest.mark.mongod
async def test_members_come_page_by_page(people):
    everybody = parse_rule({"all": []})
    first = await list_members(people, everybody, SHOP, NOW, most=100)
    rest = await list_members(people, everybody, SHOP, NOW, after=first[-1])
    assert [*first, *rest] == [profile.id for profile in PEOPLE]


class TestWhatRulesMean:
    ADA = make_profile(
        traits={
            "tier": Fact("gold", Source.OBSERVED, Stamp(NOW, "m")),
            "one": Fact(1, Source.OBSERVED, Stamp(NOW, "m")),
        },
        recent=(
            Signal(Stamp(NOW - timedelta(days=100), "a"), SignalKind.PURCHASED, "climbing-rose"),
            Signal(Stamp(NOW - timedelta(days=5), "b"), SignalKind.PURCHASED, "rye-bread"),
        ),
        owned={"climbing-rose": Ownership(2, NOW, NOW)},
        interests=(Interest("i", InterestKind.LONG_TERM, "old roses", 0.6, text_vector("roses")),),
    )

    @pytest.mark.parametrize(
        ("told", "expected"),
        [
            ({"trait": "tier", "is": "gold"}, True),
            ({"trait": "tier", "in": ["red", "gold"]}, True),
            ({"trait": "one", "is": True}, False),
            ({"trait": "one", "is": 1.0}, True),
            ({"trait": "tier", "above": 0}, False),
            ({"did": "PURCHASED", "times": 2}, True),
            ({"did": "PURCHASED", "times": 2, "within_days": 90}, False),
            ({"did": "PURCHASED", "category": "garden"}, True),
            ({"owns": "garden", "at_least": 2}, True),
            ({"owns": "garden", "at_least": 3}, False),
            ({"interest": "roses", "at_least": 0.5}, True),
            ({"interest": "roses", "kind": "DECLARED"}, False),
            ({"known_days": 100}, True),
            ({"absent_days": 2}, False),
            ({"not": {"any": [{"trait": "none"}, {"absent_days": 9}]}}, True),
        ],
    )
    def test_in_plain_cases(self, told, expected):
        assert holds(parse_rule(told), self.ADA, SHOP, NOW) is expected

    @pytest.mark.parametrize(
        ("told", "path"),
        [
            (5, ("rule",)),
            ({}, ("rule",)),
            ({"trait": "a", "owns": "b"}, ("rule",)),
            ({"did": "DANCED"}, ("rule", "did")),
            ({"did": "VIEWED", "times": 0}, ("rule", "times")),
            ({"trait": "a", "is": {"$gt": 1}}, ("rule",)),
            ({"trait": "a", "above": float("nan")}, ("rule",)),
            ({"any": []}, ("rule", "any")),
            ({"all": [{"trait": "a"}, {"not": {"owns": ""}}]}, ("rule", "all", 1, "not", "owns")),
            ({"known_days": 3, "sometimes": True}, ("rule",)),
            ({"trait": "tier", "is": None}, ("rule", "is")),
            (
                {"any": [{"trait": "a"}, {"not": {"owns": "b", "at_least": None}}]},
                ("rule", "any", 1, "not", "at_least"),
            ),
        ],
    )
    def test_what_is_no_rule_is_refused_with_a_path(self, told, path):
        with pytest.raises(InvalidInput) as refusal:
            parse_rule(told)
        assert refusal.value.kind == "INVALID_RULE"
        assert refusal.value.path[: len(path)] == path

    def test_a_rule_that_is_too_deep_is_refused(self):
        told = {"trait": "a"}
        for _ in range(50):
            told = {"not": told}
        with pytest.raises(InvalidInput, match="deep"):
            check_segment(Segment(key="s", title="s", rule=told))


@pytest.mark.mongod
class TestMembership:
    LOYAL = Segment(
        key="loyal",
        title="our regulars",
        rule={"did": "PURCHASED", "times": 2, "within_days": 60},
        favours=("garden",),
    )

    async def test_is_current_when_events_arrive_and_when_time_passes(self, store, clock):
        rooms = make_rooms(store, clock)
        rooms.snapshot = replace(rooms.snapshot, segments=(self.LOYAL,))

        async def segments():
            profile = await rooms.require()
            return admit(profile, rooms.snapshot, channel="WEB", at=clock.now()).view.segments

        buy = {"products": [{"product_id": "rye-bread", "quantity": 1}]}
        await rooms.track("Order Completed", order_id="1", **buy)
        assert await segments() == ()
        await rooms.track("Order Completed", order_id="2", ago=0.5, **buy)
        assert await segments() == ("loyal",)
        assert await count_members(store.db, parse_rule(self.LOYAL.rule), rooms.snapshot, clock.now()) == 1
        clock.instant += timedelta(days=61)
        assert await segments() == ()
        assert await count_members(store.db, parse_rule(self.LOYAL.rule), rooms.snapshot, clock.now()) == 0

    async def test_definitions_are_versioned_and_reach_other_processes(self, store, clock):
        from embeddings.cache import CachedEncoder
        from tests.profiles.rooms import WordsEncoder

        one, other = (CatalogueService(store, CachedEncoder(WordsEncoder()), clock) for _ in range(2))
        await one.put_segments([self.LOYAL])
        await one.put_segments([replace(self.LOYAL, title="friends of the house")])
        assert await other.refresh()
        (found,) = other.snapshot.segments
        assert (found.title, found.version, found.rule) == ("friends of the house", 2, self.LOYAL.rule)
        with pytest.raises(InvalidInput) as refusal:
            await one.put_segments([self.LOYAL, Segment(key="bad", title="bad", rule={"is": 1})])
        assert refusal.value.path == (1, "rule")
