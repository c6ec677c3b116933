"""The demo's segments: heard in the ranking, and current as soon as something happens."""

from tests.e2e.customers import Shopper

SOLO = """query($for: CustomerRef!) { experience(for: $for, channel: WEB, scenario: "home", mix: {solo: ["segment"]},
  preview: true) { ranking(first: 3) { score content { category } why { sentence } } } }"""
MINE = "query($by: CustomerRef!) { customer(by: $by) { segments { key } } }"


def test_the_layer_brings_what_a_persona_s_groups_favour(hub):
    found = hub.data(SOLO, {"for": {"userId": "persona-ada"}})["experience"]["ranking"]
    for item in found:
        assert item["score"] > 0
        assert item["why"]["sentence"] in {"Chosen for our gardeners", "Chosen for gold customers"}


def test_who_does_what_a_rule_asks_for_is_in_the_segment_at_once(hub):
    shopper = Shopper(hub)
    shopper.buys("can-galvanised-nine", days_ago=3)
    who = {"by": shopper.ref}
    assert hub.data(MINE, who)["customer"]["segments"] == []
    shopper.buys("can-indoor-copper", days_ago=1)
    assert hub.data(MINE, who)["customer"]["segments"] == [{"key": "gardeners"}]
