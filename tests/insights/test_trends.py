"""What rises and what is missing: counted once a customer, told only of five and more."""

from datetime import timedelta

import numpy as np

from hub.insights.interests import Notes, TrendService, rising, scarce
from hub.profiles.model import (
    Evidence,
    Interest,
    InterestKind,
    Signal,
    SignalKind,
    Stamp,
)
from tests.builders import NOW, make_content, make_profile, make_snapshot, text_vector

ROSES, LAMPS = text_vector("roses"), text_vector("lamps")


def liking(label, vector, *ago):
    evidence = tuple(Evidence("rose", NOW - timedelta(days=days)) for days in ago)
    return Interest("i", InterestKind.LONG_TERM, label, 0.5, vector, evidence)


def noted(*profiles):
    notes = Notes(NOW)
    for profile in profiles:
        notes.add(profile)
    return notes


class TestRising:
    def test_more_customers_than_before_is_a_rise_however_often_each_came(self):
        fresh = [make_profile(f"n{n}", interests=(liking("roses", ROSES, 1, 2, 3),)) for n in range(8)]
        old = [make_profile(f"o{n}", interests=(liking("lamps", LAMPS, 30, 60, 90),)) for n in range(8)]
        steady = [make_profile(f"s{n}", interests=(liking("tea", LAMPS, 3, 30, 60, 90),)) for n in range(8)]
        found = rising(noted(*fresh, *old, *steady), 10.0)
        assert [(r.label, r.customers, r.before) for r in found] == [("roses", 80.0, 0.0)]
        assert found[0].rise == 8.0

    def test_nothing_is_told_of_four_customers(self):
        few = [make_profile(f"n{n}", interests=(liking("roses", ROSES, 1),)) for n in range(4)]
        assert rising(noted(*few), 100.0) == ()


class TestScarce:
    def test_an_interest_with_little_on_sale_is_told_with_its_customers(self):
        snapshot = make_snapshot(
            [make_content(f"rose-{n}", title="roses", summary="", category="") for n in range(3)]
            + [make_content("oak", title="oak", summary="", category="")]
        )
        both = [
            make_profile(f"n{n}", interests=(liking("roses", ROSES, 1), liking("lamps", LAMPS, 1)))
            for n in range(5)
        ]
        found = scarce(noted(*both), snapshot, 2.0)
        assert [(s.label, s.customers, s.contents) for s in found] == [("lamps", 10.0, 0)]


class Profiles:
    def __init__(self, profiles):
        self.profiles = {profile.id: profile for profile in profiles}

    async def page_of_ids(self, *, after="", most):
        return sorted(each for each in self.profiles if each > after)[:most]

    async def get_many(self, ids, *, keep=True):
        assert not keep
        return {each: self.profiles[each] for each in ids}


class Encoder:
    async def vectors(self, texts, *, keep):
        assert not keep
        return np.array([text_vector(text) for text in texts], np.float32)


class Answers:
    async def prepare(self, at):
        self.prepared = at

    async def answer(self, question, *, at):
        return type("Result", (), {"answer": "yes" if "return" in question else None})()


async def test_unmet_is_what_many_asked_and_nothing_meets(clock):
    def searching(name, *texts):
        recent = tuple(Signal(Stamp(NOW, name), SignalKind.SEARCHED, None, text) for text in texts)
        return make_profile(name, recent=recent)

    snapshot = make_snapshot([make_content("rose", title="roses", summary="", category="")])
    people = [searching(f"p{n}", "roses", "Hammocks", "hammocks ", "return it") for n in range(5)]
    people.append(searching("p9", "a name nobody else searched for"))
    service = TrendService(Profiles(people), lambda: snapshot, Encoder(), Answers(), clock)
    trends = await service.trends()
    assert (trends.customers, trends.asked) == (6, 6)
    assert [(u.words, u.customers) for u in trends.unmet] == [("hammocks", 5.0)]
    assert (await service.trends(most=3)).unmet == ()
