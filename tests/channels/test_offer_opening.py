"""An offer in a message that is read later: how it stands then, in a line and on a page."""

import io
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette

from hub.channels.offer_opening import UNTOLD, OfferOpening
from hub.channels.pictures import LINE_HEIGHT, WIDTH, Pictures
from hub.decisions.model import Channel
from hub.errors import Unavailable
from hub.kit.money import Money
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from hub.web import opened_offers
from tests.builders import NOW
from tests.channels.house import OFFER
from tests.channels.hub import HISTORY, open_hub

LIMITED = replace(OFFER, amount_off=Money(Decimal(5), "GBP"), percent_off=None, per_person=1, lasts_days=7)


class Reader:
    def __init__(self, hub):
        self.hub = hub
        self.opening = OfferOpening(hub.clock, lambda: hub.catalogue.snapshot, hub.ledger, hub.offers)
        doors = opened_offers.routes(self.opening, Pictures(hub.settings.base_url, {}), hub.signer)
        transport = httpx.ASGITransport(Starlette(routes=doors))
        self.client = httpx.AsyncClient(transport=transport, base_url=hub.settings.base_url)

    async def now(self):
        return await self.opening.offer(self.message.served_id, OFFER.key)

    @property
    def addresses(self):
        return sorted(set(re.findall(r'(?:href|src)="([^"]*/offers/[^"]*)"', self.message.html)))


@pytest.fixture
async def reader(store, clock, settings):
    hub = await open_hub(store, clock, settings)
    await hub.catalogue.put_offers([LIMITED])
    await hub.send(*HISTORY)
    rosa = CustomerRef("user_id", "rosa")
    await hub.control.set_consent(rosa, Purpose.EMAIL_MARKETING, None, ConsentState.GRANTED)
    made = Reader(hub)
    made.message = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
    (made.grant,) = made.message.decision.grants
    return made


async def test_a_message_names_a_line_of_a_known_size_and_a_page(reader):
    page, line = reader.addresses
    assert line == f"{page}.png"
    (tag,) = re.findall(rf'<img[^>]*src="{re.escape(line)}"[^>]*>', reader.message.html)
    assert 'width="264"' in tag
    assert 'height="28"' in tag
    assert "alt=" in tag
    assert page in reader.message.text
    picture = await reader.client.get(line)
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size == (WIDTH, LINE_HEIGHT) == (264 * 2, 28 * 2)


async def test_while_it_holds_the_page_gives_terms_and_code(reader):
    assert (await reader.now()).words == "This offer holds, until 9 March 2026"
    answer = await reader.client.get(reader.addresses[0], headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert reader.grant.code in answer.text
    assert OFFER.title in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_when_it_has_ended_that_is_said_and_the_code_no_more(reader):
    before = (await reader.client.get(reader.addresses[1])).content
    reader.hub.clock.instant = NOW + timedelta(days=7)
    assert (await reader.now()).words == "This offer ended on 9 March 2026"
    assert (await reader.client.get(reader.addresses[1])).content != before
    page = (await reader.client.get(reader.addresses[0])).text
    assert "ended on 9 March 2026" in page
    assert reader.grant.code not in page


async def test_what_was_used_or_taken_back_is_told_with_its_day(reader):
    await reader.hub.offers.redeem(code=reader.grant.code)
    assert (await reader.now()).words == "Used on 2 March 2026"
    await reader.hub.offers.reverse(reader.grant.id, reason="sent back")
    assert (await reader.now()).words == "Taken back on 2 March 2026"
    assert (await reader.now()).code is None


async def test_a_promise_holds_whatever_the_house_offers_now(reader):
    await reader.hub.catalogue.put_offers([replace(LIMITED, terms="Nothing any more.", valid_until=NOW)])
    await reader.hub.catalogue.refresh()
    now = await reader.now()
    assert (now.words, now.terms) == ("This offer holds, until 9 March 2026", OFFER.terms)


async def test_an_offer_without_a_grant_is_as_the_catalogue_has_it(reader):
    def words():
        return reader.opening._of_catalogue(OFFER.key)

    async def put(**how):
        await reader.hub.catalogue.put_offers([replace(LIMITED, **how)])
        await reader.hub.catalogue.refresh()

    assert words() == "This offer holds"
    await put(valid_until=NOW + timedelta(days=3))
    assert words() == "This offer holds, until 5 March 2026"
    await put(valid_until=NOW)
    assert words() == "This offer ended on 2 March 2026"
    assert reader.opening._of_catalogue("never") == "This offer is not made any more"


async def test_where_nothing_is_known_nothing_is_claimed(reader, monkeypatch):
    async def away(_id):
        raise Unavailable("the store does not answer")

    with monkeypatch.context() as gone:
        gone.setattr(reader.hub.ledger, "get", away)
        assert await reader.now() == await reader.now()
        assert (await reader.now()).words == UNTOLD
    await reader.hub.store.db["served"].delete_many({})  # erased
    assert (await reader.now()).words == UNTOLD
    assert (await reader.client.get(reader.addresses[1])).status_code == 200


async def test_nobody_makes_an_address_and_nothing_is_recorded(reader):
    page, line = reader.addresses
    forged = page.replace(reader.message.served_id, "srv_other")
    before = await reader.hub.dump()
    for address in (forged, f"{forged}.png", page.replace(OFFER.key, "other")):
        assert (await reader.client.get(address)).status_code == 400
    for address in (page, line):
        assert (await reader.client.get(address)).status_code == 200
    assert await reader.hub.dump() == before


async def test_a_preview_promises_nothing_and_points_nowhere(reader):
    preview = await reader.hub.assemble(channel=Channel.EMAIL, scenario="newsletter", preview=True)
    assert preview.decision.offers
    assert "/offers/" not in preview.html + preview.text
