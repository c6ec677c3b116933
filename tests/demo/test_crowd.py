"""The crowd: the same shoppers every time, taken once, and enough of them to be anonymous among."""

from collections import Counter

import httpx
import numpy as np

from hub.catalogue.neighbours import ANONYMITY, learn
from hub.demo.crowd import crowd_messages, load_circles, shoppers
from hub.demo.house import load_house
from hub.demo.play import play_crowd
from tests.builders import NOW
from tests.demo.test_play import URL, hub  # noqa: F401 - the fixture


class TestWhoTheyAre:
    def test_as_many_as_the_circles_say_and_everything_they_buy_is_sold_here(self):
        crowd = shoppers()
        assert len(crowd) == sum(circle.shoppers for circle in load_circles()) == 240
        assert len({shopper.user_id for shopper in crowd}) == 240
        sold = load_house().content
        assert {key for circle in load_circles() for key in circle.items} <= sold.keys()

    def test_they_do_the_same_every_time_but_for_the_clock(self):
        first, again = (list(crowd_messages(load_house().content, NOW)) for _ in range(2))
        assert first == again
        assert len({message["messageId"] for message in first}) == len(first)

    def test_nobody_buys_what_lasts_twice(self):
        bought = Counter(
            (message["userId"], product["product_id"])
            for message in crowd_messages(load_house().content, NOW)
            if message.get("event") == "Order Completed"
            for product in message["properties"]["products"]
        )
        content = load_house().content
        again = {key for (_, key), times in bought.items() if times > 1}
        assert {content[key].need.pattern.value for key in again} == {"REPLENISHABLE"}

    def test_they_are_enough_to_learn_from(self):
        people, keys, ages = [], [], []
        for message in crowd_messages(load_house().content, NOW):
            for product in message.get("properties", {}).get("products", ()):
                people.append(message["userId"])
                keys.append(product["product_id"])
                ages.append(10.0)
        learned = learn(people, keys, np.array(ages))
        buyers = Counter(key for _, key in set(zip(people, keys, strict=True)))
        assert min(buyers[key] for key in learned.keys) >= ANONYMITY
        assert len(learned) > 50
        assert len(learned.together.weights) > 100


class TestPlaying:
    async def test_a_second_time_some_days_later_changes_nothing(self, hub):  # noqa: F811
        crowd = shoppers()[:12]
        async with httpx.AsyncClient(transport=hub.transport) as client:
            first = await play_crowd(URL, hub.key, NOW, client=client, crowd=crowd)
            before = await hub.rooms.counts()
            again = await play_crowd(URL, hub.key, hub.rooms.clock.now(), client=client, crowd=crowd)
        assert (first.personas, first.duplicates) == (12, 0)
        assert (again.accepted, again.duplicates) == (0, first.accepted)
        assert await hub.rooms.counts() == before
