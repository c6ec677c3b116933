"""A message that is opened after the world has moved on, over a real store."""

import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette

from hub.catalogue.model import Availability, Need, NeedPattern
from hub.channels.opening import OpeningService
from hub.channels.pictures import Pictures
from hub.decisions.model import Channel
from hub.decisions.service import DecisionService
from hub.errors import Unavailable
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from hub.web import opened
from tests.builders import make_content
from tests.channels.house import CONTENTS, LAYERS
from tests.channels.hub import HISTORY, open_hub, shown


class Reader:
    """Opens a message: asks for its addresses as a mail program does."""

    def __init__(self, hub):
        self.hub = hub
        self.opening = OpeningService(
            settings=hub.settings,
            clock=hub.clock,
            snapshot=lambda: hub.catalogue.snapshot,
            profiles=hub.profiles,
            decisions=DecisionService(lambda: hub.catalogue.snapshot, hub.scenarios, LAYERS),
            ledger=hub.ledger,
        )
        doors = opened.routes(
            self.opening,
            Pictures(hub.settings.base_url, {}),
            hub.signer,
            hub.control,
            lambda: hub.catalogue.snapshot,
        )
        transport = httpx.ASGITransport(Starlette(routes=doors))
        self.client = httpx.AsyncClient(transport=transport, base_url=hub.settings.base_url)

    async def message(self):
        message = await self.hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        assert message.withheld is None
        return message

    def addresses(self, message, door):
        return sorted(set(re.findall(rf'(?:href|src)="([^"]*/{door}/[^"]*)"', message.html)))

    def address(self, message, door, key):
        return next(a for a in self.addresses(message, door) if a.removesuffix(".png").endswith(f"/{key}"))

    async def follow(self, message, key):
        answer = await self.client.get(self.address(message, "links", key))
        return answer.headers.get("location")

    async def change(self, key, **how):
        row = self.hub.catalogue.snapshot.row(key)
        await self.hub.catalogue.put_contents([replace(self.hub.catalogue.snapshot.contents[row], **how)])
        await self.hub.catalogue.refresh()
        self.opening.forget()


@pytest.fixture
async def reader(store, clock, settings):
    hub = await open_hub(store, clock, settings)
    more = [
        make_content(f"rose-{n}", title=f"Rose number {n}", category="garden/roses", url=f"/p/rose-{n}")
        for n in range(12)
    ]
    await hub.catalogue.put_contents([*more, replace(CONTENTS[1], need=Need(NeedPattern.ONCE))])
    await hub.catalogue.refresh()
    await hub.send(*HISTORY)
    await hub.control.set_consent(
        CustomerRef("user_id", "rosa"), Purpose.EMAIL_MARKETING, None, ConsentState.GRANTED
    )
    return Reader(hub)


def first_product(message):
    return next(i.content for i in shown(message) if i.content.url and i.content.kind == "PRODUCT")


async def test_what_is_as_it_was_leads_to_its_page(reader):
    message = await reader.message()
    for item in shown(message):
        if item.content.url:
            assert await reader.follow(message, item.content.key) == (
                f"https://hillandvale.example{item.content.url}"
            )


async def test_what_was_sold_out_since_leads_to_the_like_of_it_that_the_message_does_not_show(reader):
    message = await reader.message()
    sent = {item.content.key for item in shown(message)}
    gone = first_product(message)
    await reader.change(gone.key, availability=Availability.OUT_OF_STOCK)
    now = await reader.opening.opened(message.served_id, gone.key)
    assert now.instead_of == gone.title
    assert now.content.kind == gone.kind
    assert now.content.key not in sent
    location = await reader.follow(message, gone.key)
    assert location == f"https://hillandvale.example{now.content.url}"
    picture = (
        await reader.client.get(reader.address(message, "pictures", gone.key)) if gone.image_url else None
    )
    if picture is not None:
        assert picture.headers["content-type"] == "image/png"
    for key in sent - {gone.key}:
        assert (await reader.opening.opened(message.served_id, key)).instead_of is None


async def test_no_two_are_replaced_by_the_same(reader):
    message = await reader.message()
    products = [i.content for i in shown(message) if i.content.kind == "PRODUCT"][:3]
    for product in products:
        await reader.change(product.key, availability=Availability.DISCONTINUED)
    now = [await reader.opening.opened(message.served_id, product.key) for product in products]
    keys = [one.content.key for one in now]
    assert len(set(keys)) == len(products)


async def test_nobody_is_shown_the_second_of_what_they_bought_since(reader):
    """The toilet seat, in a message that was sent before it was bought: its sisters are closed too."""
    hub = reader.hub
    for n in range(12):
        await reader.change(f"rose-{n}", need=Need(NeedPattern.ONCE))
    message = await reader.message()
    roses = [i.content for i in shown(message) if i.content.category == "garden/roses" and i.content.url]
    roses = [content for content in roses if content.kind == "PRODUCT"]
    assert roses
    hub.clock.instant += timedelta(hours=1)
    await hub.send(
        {
            "type": "track",
            "event": "Order Completed",
            "properties": {"order_id": "o9", "products": [{"product_id": "rose-11", "quantity": 1}]},
        }
    )
    reader.opening.forget()
    for rose in roses:
        now = await reader.opening.opened(message.served_id, rose.key)
        assert now.instead_of == rose.title
        assert now.content is None or now.content.category != "garden/roses"


async def test_opening_writes_nothing_and_a_click_only_for_who_agreed_to_be_counted(reader):
    hub = reader.hub
    message = await reader.message()
    key = first_product(message).key
    before = await hub.dump()
    await reader.client.get(reader.address(message, "links", key))
    for address in reader.addresses(message, "pictures"):
        await reader.client.get(address)
    await reader.client.get(reader.addresses(message, "view")[0])
    assert await hub.dump() == before
    await hub.control.set_consent(
        CustomerRef("user_id", "rosa"), Purpose.ANALYTICS, None, ConsentState.GRANTED
    )
    for _ in range(2):
        await reader.follow(message, key)
    clicks = await hub.store.db["events"].find({"event": "Email Link Clicked"}).to_list()
    assert [click["items"][0]["key"] for click in clicks] == [key]


async def test_the_view_is_the_bytes_that_were_sent_whatever_the_catalogue_becomes(reader):
    message = await reader.message()
    (view,) = reader.addresses(message, "view")
    await reader.change(
        first_product(message).key, title="Another name", availability=Availability.OUT_OF_STOCK
    )
    answer = await reader.client.get(view)
    assert answer.content == message.html.encode()
    assert "script" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "private, no-store"


async def test_addresses_cannot_be_made_up(reader):
    message = await reader.message()
    first, second = reader.addresses(message, "links")[:2]
    view = reader.addresses(message, "view")[0]
    mixed = f"{first.rpartition('/')[0]}/{second.rpartition('/')[2]}"
    as_picture = first.replace("/links/", "/pictures/") + ".png"
    for bad in (mixed, as_picture, view[:-1] + ("A" if view[-1] != "A" else "B"), f"{first}x"):
        answer = await reader.client.get(bad)
        assert (answer.status_code, answer.json()["code"]) == (400, "BAD_TOKEN")
        page = await reader.client.get(bad, headers={"Accept": "text/html"})
        assert (page.status_code, "does not work" in page.text) == (400, True)


async def test_a_preview_links_to_the_catalogue_and_its_pictures_name_nobody(reader):
    message = await reader.hub.assemble(channel=Channel.EMAIL, scenario="newsletter", preview=True)
    assert reader.addresses(message, "links") == reader.addresses(message, "view") == []
    for address in reader.addresses(message, "pictures"):
        assert "/pictures/preview/" in address
        assert (await reader.client.get(address)).status_code in {200, 302}


async def test_where_the_store_is_away_the_item_itself_is_shown(reader, monkeypatch):
    message = await reader.message()
    product = first_product(message)

    async def away(_served_id):
        raise Unavailable("the store does not answer")

    monkeypatch.setattr(reader.hub.ledger, "get", away)
    assert await reader.follow(message, product.key) == f"https://hillandvale.example{product.url}"


async def test_what_was_erased_is_nowhere_to_be_viewed(reader):
    message = await reader.message()
    view = reader.addresses(message, "view")[0]
    await reader.hub.store.db["served"].delete_many({})
    assert (await reader.client.get(view)).status_code == 404
