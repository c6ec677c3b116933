"""What is for somebody else says nothing of who bought it."""

import pytest

from hub.profiles.model import FeedbackKind
from tests.profiles.rooms import track

ORDER = "Order Completed"


def product(key, **given):
    return {"product_id": key, "quantity": 1, **given}


@pytest.mark.mongod
class TestAGiftSession:
    @pytest.mark.parametrize("where", ["properties", "context"])
    async def test_shapes_nothing(self, rooms, where):
        await rooms.track("Product Viewed", product_id="climbing-rose", ago=30)
        before = await rooms.require()
        for at, (event, properties) in enumerate(
            [
                ("Product Viewed", {"product_id": "rye-bread"}),
                ("Products Searched", {"query": "rye flour"}),
                ("Product Added", {"product_id": "rye-bread"}),
                ("Feedback Given", {"kind": "MORE", "content_key": "rye-bread"}),
                (ORDER, {"order_id": "g", "products": [product("rye-bread")]}),
                ("Order Refunded", {"order_id": "g", "products": [product("rye-bread")]}),
            ]
        ):
            message = track(event, ago=5 - at / 10, **properties)
            message.setdefault(where, {})["gift"] = True
            await rooms.send(message)
        after = await rooms.require()
        for part in ("recent", "owned", "cart", "feedback", "traits"):
            assert getattr(after, part) == getattr(before, part), part
        assert [i.label for i in after.interests] == [i.label for i in before.interests]
        page = await rooms.profiles.timeline(after, first=10)
        assert len(page.edges) == 7  # it is kept, and told

    async def test_hides_what_the_giver_asked_not_to_see(self, rooms):
        await rooms.track("Feedback Given", kind="HIDE", content_key="rye-bread", gift=True)
        assert (await rooms.require()).feedback == {"rye-bread": FeedbackKind.HIDE}


@pytest.mark.mongod
class TestAGiftInAnOrder:
    async def test_is_not_owned_while_the_rest_is(self, rooms):
        await rooms.track("Product Added", product_id="desk-lamp", ago=4)
        products = [product("desk-lamp", gift=True), product("rose-shears")]
        await rooms.track(ORDER, order_id="1", products=products)
        found = await rooms.require()
        assert (set(found.owned), found.cart) == ({"rose-shears"}, ())

    async def test_of_two_of_which_one_is_for_oneself_one_is_owned(self, rooms):
        products = [product("desk-lamp", gift=True), product("desk-lamp")]
        await rooms.track(ORDER, order_id="1", products=products)
        assert (await rooms.require()).owned["desk-lamp"].count == 1

    @pytest.mark.parametrize("first", ["order", "refund"])
    async def test_that_is_sent_back_takes_nothing_from_ones_own(self, rooms, first):
        lamp = [product("desk-lamp")]
        await rooms.track(ORDER, order_id="own", products=lamp, ago=9)
        order = track(ORDER, order_id="gift", products=[product("desk-lamp", gift=True)], ago=8)
        refund = track("Order Refunded", order_id="gift", products=lamp, ago=7)
        for message in (order, refund) if first == "order" else (refund, order):
            await rooms.send(message)
        assert (await rooms.require()).owned["desk-lamp"].count == 1
