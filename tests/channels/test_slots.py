"""Law 1: every channel shows a subsequence of the one ranking, restricted by its own eligibility."""

from hypothesis import given
from hypothesis import strategies as st

from hub.catalogue.model import Availability, ContentKind
from hub.channels.slots import FALLBACK, eligible, fill, slots_of, specs_for
from hub.decisions.model import Channel, RankedItem, SlotSpec, Why
from tests.builders import make_content, make_scenario


class Ranking:
    """A ranking of given contents, in their order."""

    def __init__(self, contents):
        self.contents = tuple(contents)

    def __len__(self):
        return len(self.contents)

    def item(self, index):
        return RankedItem(index + 1, 1.0 / (index + 1), self.contents[index], Why(""))


kinds = st.sampled_from(list(ContentKind))
shelves = st.lists(st.tuples(kinds, st.sampled_from(list(Availability))), max_size=40).map(
    lambda found: Ranking(
        make_content(f"c{number}", kind=kind, availability=availability)
        for number, (kind, availability) in enumerate(found)
    )
)
slot_specs = st.lists(
    st.builds(
        SlotSpec,
        key=st.uuids().map(str),
        title=st.just("A slot"),
        size=st.integers(0, 6),
        kinds=st.lists(kinds, unique=True, max_size=4).map(tuple),
    ),
    max_size=4,
)


@given(shelves, slot_specs, st.sampled_from(Channel))
def test_every_channel_shows_a_subsequence_of_the_ranking(ranking, specs, channel):
    slots = fill(ranking, specs, channel)
    shown = sorted((item for slot in slots for item in slot.items), key=lambda item: item.position)
    positions = [item.position for item in shown]
    assert len(set(positions)) == len(positions), "nothing is shown twice"
    assert all(ranking.contents[item.position - 1] is item.content for item in shown)
    assert all(eligible(item.content, channel) for item in shown)
    for slot in slots:
        assert [i.position for i in slot.items] == sorted(i.position for i in slot.items)


@given(shelves, slot_specs, st.sampled_from(Channel))
def test_nothing_better_is_left_out_of_a_slot_that_shows_something_worse(ranking, specs, channel):
    slots = {slot.key: slot for slot in fill(ranking, specs, channel)}
    shown = {item.content.key for slot in slots.values() for item in slot.items}
    for spec in specs:
        last = max((i.position for i in slots[spec.key].items), default=0) if spec.key in slots else 0
        better = [
            content
            for content in ranking.contents[:last]
            if eligible(content, channel) and (not spec.kinds or content.kind in spec.kinds)
        ]
        assert all(content.key in shown for content in better)


@given(shelves, slot_specs, st.sampled_from(Channel))
def test_slots_hold_their_kinds_and_no_more_than_their_size(ranking, specs, channel):
    by_key = {spec.key: spec for spec in specs}
    for slot in fill(ranking, specs, channel):
        spec = by_key[slot.key]
        assert 0 < len(slot.items) <= spec.size
        assert all(not spec.kinds or item.content.kind in spec.kinds for item in slot.items)


def test_the_last_pieces_are_not_mailed_but_shown_elsewhere():
    ranking = Ranking([make_content("last", availability=Availability.LOW_STOCK), make_content("plenty")])
    shown = {
        channel: [item.content.key for slot in fill(ranking, [FALLBACK], channel) for item in slot.items]
        for channel in Channel
    }
    assert shown == {
        Channel.WEB: ["last", "plenty"],
        Channel.EMAIL: ["plenty"],
        Channel.SERVICE_DESK: ["last", "plenty"],
    }


def test_a_channel_that_the_scenario_forgot_shows_the_slots_of_the_web():
    web = SlotSpec("hero", "Hero", 1, ())
    scenario = make_scenario(slots={Channel.WEB: (web,)})
    assert specs_for(scenario, Channel.EMAIL) == (web,)
    assert specs_for(make_scenario(slots={}), Channel.EMAIL) == (FALLBACK,)


def test_slots_of_a_decision_are_those_of_its_scenario(sample):
    slots = slots_of(sample.decision, Channel.WEB)
    assert [slot.key for slot in slots] == ["for_you", "to_read"]
