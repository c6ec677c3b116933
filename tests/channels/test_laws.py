"""Laws 1, 7 and 9 over the real store: one decision, a preview leaves no trace, what left can be replayed."""

import itertools
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from hub.catalogue.model import Claim, ContentKind
from hub.channels.slots import eligible
from hub.decisions.model import Channel, MixRequest
from hub.events.service import FOLDED_AT_ONCE
from hub.kit.money import Money
from hub.ledger.items import spelled_out
from hub.ledger.model import ServedScore
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from hub.store.codecs import to_document
from tests.channels.house import CONTENTS, FACTS, OFFER
from tests.channels.hub import HISTORY, open_hub, shown, track

SCENARIOS = ("home", "newsletter", "service", "welcome_back")
MIXES = (
    MixRequest(),
    MixRequest(mute=("interests",)),
    MixRequest(solo=("base",)),
    MixRequest(weights={"needs": 3.0}),
)

PARTS = ("layer", "weight", "score", "contribution", "rank_before", "rank_after")


@pytest.fixture
async def hub(store, clock, settings):
    opened = await open_hub(store, clock, settings)
    await opened.send(*HISTORY)
    rosa = CustomerRef("user_id", "rosa")
    await opened.control.set_consent(rosa, Purpose.EMAIL_MARKETING, None, ConsentState.GRANTED)
    return opened


class TestLaw1OneDecision:
    @pytest.mark.parametrize("user", ["rosa", "nobody"])
    @pytest.mark.parametrize("scenario", SCENARIOS)
    async def test_every_channel_shows_a_subsequence_of_one_ranking(self, hub, user, scenario):
        for mix in MIXES:
            made = {
                channel: await hub.assemble(user, channel, scenario, mix=mix, preview=True)
                for channel in Channel
            }
            rankings = {
                channel: [(c.key, c.version) for c in e.decision.ranking.contents]
                for channel, e in made.items()
            }
            assert rankings[Channel.WEB] == rankings[Channel.EMAIL] == rankings[Channel.SERVICE_DESK]
            for one, other in itertools.combinations(made.values(), 2):
                assert one.decision.configuration_version == other.decision.configuration_version
                assert one.decision.offers == other.decision.offers
                assert one.decision.claims == other.decision.claims
                assert one.decision.removed == other.decision.removed
            for channel, experience in made.items():
                ranking = experience.decision.ranking
                for item in shown(experience):
                    assert ranking.contents[item.position - 1] is item.content
                    assert eligible(item.content, channel)

    async def test_prices_are_the_same_wherever_they_are_said(self, hub):
        web = {i.content.key: i.content.price for i in shown(await hub.assemble(channel=Channel.WEB))}
        desk = {
            i.content.key: i.content.price for i in shown(await hub.assemble(channel=Channel.SERVICE_DESK))
        }
        mail = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        for item in shown(mail):
            assert web[item.content.key] == item.content.price
            if item.content.price is not None:
                assert f"£{item.content.price.amount:.2f}" in mail.html
        assert desk.items() <= web.items()


class TestLaw7APreviewChangesNothing:
    async def test_the_whole_database_is_the_same_after_previews_of_everything(self, hub):
        await hub.assemble()
        before = await hub.dump()
        assert before["served"]
        for user, channel, scenario, mix in itertools.product(("rosa", "nobody"), Channel, SCENARIOS, MIXES):
            experience = await hub.assemble(user, channel, scenario, mix=mix, preview=True)
            assert experience.served_id is None
        at = hub.clock.now() + timedelta(days=40)
        await hub.assemble(preview=True, at=at)
        assert await hub.dump() == before

    async def test_a_profile_that_lags_behind_is_not_brought_up_to_date_by_a_preview(self, hub):
        crowd = [track("Cart Viewed") | {"userId": f"extra-{n}"} for n in range(FOLDED_AT_ONCE)]
        words = track("Products Searched", query="words that nobody used before")
        await hub.send(*crowd, track("Product Viewed", product_id="lily"), words)
        before = await hub.dump()
        assert [d["stale"] for d in before["profiles"]].count(True) == FOLDED_AT_ONCE + 1
        previews = {
            channel: await hub.assemble("rosa", channel, scenario, preview=True)
            for channel, scenario in itertools.product(Channel, SCENARIOS)
        }
        assert await hub.dump() == before
        served = await hub.assemble("rosa", Channel.WEB, SCENARIOS[-1])
        assert (served.slots, served.decision.profile_version) == (
            previews[Channel.WEB].slots,
            previews[Channel.WEB].decision.profile_version,
        )
        assert await hub.dump() != before

    async def test_a_preview_shows_what_would_be_served(self, hub):
        preview = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter", preview=True)
        real = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        assert (preview.subject, preview.preheader, preview.slots) == (
            real.subject,
            real.preheader,
            real.slots,
        )
        assert [h.name for h in preview.headers] == [
            h.name for h in real.headers if h.name != "X-Tutti-Served"
        ]

    async def test_the_links_of_a_previewed_message_do_nothing(self, hub):
        preview = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter", preview=True)
        link = next(h.value for h in preview.headers if h.name == "List-Unsubscribe")
        assert link.endswith("/unsubscribe/preview>")

    async def test_two_servings_of_one_instant_show_the_same(self, hub):
        first, second = await hub.assemble(), await hub.assemble()
        assert first.slots == second.slots
        assert first.served_id != second.served_id


class TestLaw9Replay:
    async def test_the_bytes_stay_whatever_the_configuration_becomes(self, hub, store, clock, settings):
        made = {channel: await hub.assemble(channel=channel, scenario="newsletter") for channel in Channel}
        before = {channel: (await hub.ledger.get(e.served_id)).body for channel, e in made.items()}

        changed = [replace(c, title=f"New {c.title}", price=Money(Decimal(1), "GBP")) for c in CONTENTS[:-1]]
        await hub.catalogue.put_contents(changed)
        facts = replace(
            FACTS, voice="Witty.", forbidden=("rose",), claims=(Claim("returns", "Within 90 days."),)
        )
        await hub.catalogue.put_brand_facts([facts])
        await hub.catalogue.put_offers([replace(OFFER, terms="Over.", valid_until=clock.now())])
        scenario = await hub.scenarios.get("newsletter")
        muted = replace(scenario, version=2, slots={Channel.WEB: ()}, variety=0.0)
        await store.db["scenarios"].replace_one({"_id": "newsletter"}, to_document(muted, _id="newsletter"))
        await hub.send({"type": "track", "event": "Product Viewed", "properties": {"product_id": "honey"}})
        clock.instant += timedelta(days=30)

        later = await open_hub(store, clock, settings, seed=False)
        for channel, experience in made.items():
            served = await later.ledger.get(experience.served_id)
            assert served.body == before[channel]
            assert [(i.position, i.content.title) for i in later.ledger.items(served)] == [
                (i.position, i.content.title) for i in shown(experience)
            ]
        now = await later.assemble(scenario="newsletter", preview=True)
        was = made[Channel.WEB].decision.configuration_version
        assert now.decision.configuration_version != was

    async def test_a_message_replays_with_its_html(self, hub):
        mail = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        served = await hub.ledger.get(mail.served_id)
        assert served.html == mail.html
        assert (served.channel, served.scenario_key) == ("EMAIL", "newsletter")
        assert served.profile_version == mail.decision.profile_version

    @pytest.mark.parametrize("mix", MIXES)
    async def test_what_is_read_back_is_what_was_explained(self, hub, mix):
        web = await hub.assemble(mix=mix)
        served = await hub.ledger.get(web.served_id)
        items = hub.ledger.items(served)
        for kept, real in zip(items, shown(web), strict=True):
            assert kept.why.sentence == real.why.sentence
            assert kept.content == replace(real.content, text="")
            assert kept.content.kind in ContentKind
            assert [[getattr(c, name) for name in PARTS] for c in kept.why.contributions] == [
                [getattr(c, name) for name in PARTS] for c in real.why.contributions
            ]
            assert sum(c.contribution for c in kept.why.contributions) == pytest.approx(kept.score)
            assert kept.why.variety.rank_by_score == real.why.variety.rank_by_score
        told = [item for slot in spelled_out(served)["slots"] for item in slot["items"]]
        by_position = sorted(told, key=lambda item: item["position"])
        assert [[ServedScore(**part) for part in item["why"]["contributions"]] for item in by_position] == [
            list(item.why.contributions) for item in items
        ]
