"""What one channel promised, every channel keeps, whatever the house's offers become."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from hub.decisions.model import Channel
from hub.errors import InvalidInput, Unavailable
from hub.kit.money import Money
from hub.offers.model import Standing
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from tests.builders import NOW
from tests.channels.house import FACTS, OFFER, make_context, make_decision
from tests.channels.hub import HISTORY, open_hub

ROSA = CustomerRef("user_id", "rosa")
LIMITED = replace(OFFER, amount_off=Money(Decimal(5), "GBP"), percent_off=None, per_person=1, lasts_days=7)


@pytest.fixture
async def hub(store, clock, settings):
    made = await open_hub(store, clock, settings)
    await made.catalogue.put_offers([LIMITED])
    await made.send(*HISTORY)
    await made.control.set_consent(ROSA, Purpose.EMAIL_MARKETING, None, ConsentState.GRANTED)
    yield made
    assert await made.offers.audit() == ()


async def mail(hub, **given):
    return await hub.assemble(channel=Channel.EMAIL, scenario="newsletter", **given)


async def test_what_email_promised_web_and_desk_keep_until_it_ends(hub):
    message = await mail(hub)
    (grant,) = message.decision.grants
    assert grant.channel == "EMAIL"
    assert f"Your code: {grant.code}, until 9 March 2026" in message.text
    assert grant.code in message.html
    changed = replace(LIMITED, terms="Nothing any more.", amount_off=Money(Decimal(1), "GBP"), moments=("x",))
    await hub.catalogue.put_offers([changed])
    await hub.store.db["offers"].delete_many({})
    await hub.catalogue.put_offers([replace(LIMITED, key="new", title="Another")])
    for channel, scenario in ((Channel.WEB, "home"), (Channel.SERVICE_DESK, "service")):
        shown = await hub.assemble(channel=channel, scenario=scenario)
        assert grant in shown.decision.grants
        kept = next(offer for offer in shown.decision.offers if offer.key == OFFER.key)
        assert (kept.terms, kept.version, kept.amount_off) == (
            OFFER.terms,
            grant.offer.version,
            LIMITED.amount_off,
        )
        body = (await hub.ledger.get(shown.served_id)).content
        told = {each["key"]: each["grant"] for each in body["offers"]}
        assert told[OFFER.key]["code"] == grant.code
        desk = shown
    assert any(grant.code in suggestion.sentence for suggestion in desk.suggestions)
    hub.clock.instant = NOW + timedelta(days=7)
    after = await hub.assemble()
    assert OFFER.key not in [offer.key for offer in after.decision.offers]


async def test_a_used_offer_is_not_made_again_and_a_preview_issues_nothing(hub):
    before = await hub.dump()
    preview = await mail(hub, preview=True)
    assert [offer.key for offer in preview.decision.offers] == [OFFER.key]
    assert preview.decision.grants == ()
    assert await hub.dump() == before
    (grant,) = (await mail(hub)).decision.grants
    assert (await mail(hub, preview=True)).decision.grants == (grant,)
    await hub.offers.redeem(code=grant.code)
    for preview in (False, True):
        assert (await hub.assemble(preview=preview)).decision.offers == ()


async def test_what_is_withheld_promises_nothing(hub):
    await hub.control.set_consent(ROSA, Purpose.EMAIL_MARKETING, None, ConsentState.DENIED)
    assert (await mail(hub)).withheld.code == "NO_CONSENT"
    assert await hub.store.db["grants"].count_documents({}) == 0


async def test_an_offer_whose_budget_ran_out_meanwhile_is_not_shown(hub, monkeypatch):
    await hub.catalogue.put_offers([replace(LIMITED, most_grants=0)])

    async def stale(*_):
        return Standing()

    monkeypatch.setattr(hub.offers, "standing", stale)
    shown = await hub.assemble()
    assert (shown.decision.offers, shown.decision.grants) == ((), ())
    assert shown.served_id is not None


async def test_where_the_books_do_not_answer_nothing_bounded_is_shown(hub, monkeypatch):
    async def away(*_, **__):
        raise Unavailable("away")

    monkeypatch.setattr(hub.offers, "promise", away)
    assert (await hub.assemble()).decision.offers == ()
    monkeypatch.setattr(hub.offers, "standing", away)
    assert (await hub.assemble()).decision.offers == ()
    assert await hub.store.db["grants"].count_documents({}) == 0


def test_without_a_grant_nothing_is_said_of_a_code():
    from hub.channels.base import present

    message = present(make_decision(), Channel.EMAIL, make_context())
    assert OFFER.terms in message.text
    assert "code" not in message.text


async def test_an_offer_that_says_what_the_brand_forbids_is_refused_and_made_no_more_but_kept(hub):
    before = await hub.dump()
    await hub.catalogue.put_brand_facts([replace(FACTS, forbidden=("tenth",))])
    with pytest.raises(InvalidInput) as told:
        await hub.catalogue.put_offers([replace(LIMITED, terms="A tenth, no less.")])
    assert (told.value.kind, told.value.path) == ("FORBIDDEN_WORD", (0, "title"))
    assert (await hub.dump())["offers"] == before["offers"]
    assert OFFER.key not in [offer.key for offer in (await hub.assemble()).decision.offers]

    await hub.catalogue.put_brand_facts([FACTS])
    (promised,) = (await mail(hub)).decision.grants
    await hub.catalogue.put_brand_facts([replace(FACTS, forbidden=("tenth",))])
    assert promised in (await hub.assemble()).decision.grants
