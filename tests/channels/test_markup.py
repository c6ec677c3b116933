import json
from dataclasses import replace

from hub.catalogue.model import Availability
from hub.channels.markup import slot_markup
from hub.channels.slots import slots_of
from hub.decisions.model import Channel
from tests.channels.house import CONTENTS, FACTS, make_decision

BASE = "https://hub.example"


def listed(decision):
    found = {}
    for slot in slots_of(decision, Channel.WEB):
        markup = json.loads(slot_markup(slot, {FACTS.key: FACTS}, BASE))
        assert markup["@context"] == "https://schema.org"
        assert [entry["position"] for entry in markup["itemListElement"]] == list(
            range(1, markup["numberOfItems"] + 1)
        )
        found |= {
            e["item"].get("sku", e["item"].get("headline")): e["item"] for e in markup["itemListElement"]
        }
    return found


def test_a_product_says_what_it_is_and_costs(sample):
    rose = listed(sample.decision)["rose"]
    assert (rose["@type"], rose["name"]) == ("Product", "Climbing rose")
    assert rose["url"] == "https://hillandvale.example/p/rose"
    assert rose["image"] == "https://hub.example/pictures/rose.png"
    assert rose["brand"] == {"@type": "Brand", "name": "Hill & Vale"}
    assert rose["offers"] == {
        "@type": "Offer",
        "price": "18.5",
        "priceCurrency": "GBP",
        "availability": "https://schema.org/InStock",
        "url": "https://hillandvale.example/p/rose",
    }


def test_what_is_to_be_read_is_an_article(sample):
    assert listed(sample.decision)["Pruning roses"]["@type"] == "Article"


def test_the_last_pieces_are_said_to_be_few():
    few = tuple(replace(c, availability=Availability.LOW_STOCK) if c.key == "can" else c for c in CONTENTS)
    can = listed(make_decision(contents=few))["can"]
    assert can["offers"]["availability"] == "https://schema.org/LimitedAvailability"


def test_no_title_ends_the_script_element_and_no_address_is_a_script():
    bad = tuple(
        replace(c, title="</script><script>alert(1)</script> & more", url="javascript:alert(1)")
        if c.key == "can"
        else c
        for c in CONTENTS
    )
    decision = make_decision(contents=bad)
    for slot in slots_of(decision, Channel.WEB):
        assert not set("<>&") & set(slot_markup(slot, {FACTS.key: FACTS}, BASE))
    can = listed(decision)["can"]
    assert can["name"] == "</script><script>alert(1)</script> & more"
    assert "url" not in can
