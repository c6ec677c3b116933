"""Email in batches: one row and one line for each, however often the batch is killed and run again."""

import asyncio
import contextlib
import json
import os
import re
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.catalogue.model import Segment
from hub.channels import batch as batching
from hub.channels.batch import EmailBatch
from hub.channels.renderers import renderers
from hub.channels.service import ExperienceService
from hub.decisions.model import Channel
from hub.errors import Conflict, NotFound, Unavailable
from hub.profiles.model import CustomerRef
from hub.profiles.segment_service import SegmentService
from tests.channels.house import CONTENTS, FACTS, OFFER
from tests.channels.hub import IDENTIFY, open_hub, shown, track

GRANT = {"purpose": "EMAIL_MARKETING", "channel": "EMAIL", "state": "GRANTED"}
CUSTOMERS = 12


@pytest.fixture
async def hub(store, clock, settings):
    hub = await open_hub(store, clock, settings)
    for number in range(CUSTOMERS):
        name = f"user-{number}"
        city = "Leeds" if number % 3 else "Ludlow"
        traits = {"email": f"{name}@example.com", "city": city, "country": "GB"}
        await hub.send(
            {"type": "identify", "userId": name, "messageId": name, "traits": traits},
            *(
                [
                    {
                        "type": "track",
                        "userId": name,
                        "messageId": f"{name}-c",
                        "event": "Consent Preference Updated",
                        "properties": GRANT,
                    }
                ]
                if number != 5
                else []
            ),
        )
    return hub


def segments_of(hub):
    return SegmentService(hub.store, hub.catalogue, hub.profiles, hub.clock)


def batch(hub):
    side_by_side = hub.experiences.side_by_side(hub.profiles, hub.offers)
    return EmailBatch(hub.store, hub.profiles, side_by_side, hub.ledger, hub.clock, segments=segments_of(hub))


def lines(file):
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def kept(profile):
    return profile.id, profile.version, profile.facet_ids, profile.traits, profile.recent, profile.consents


class Killed(BaseException):
    """What a process does not come back from."""


async def test_each_who_may_be_written_to_gets_one_message_with_one_row(hub, tmp_path):
    told = []
    state = await batch(hub).run("one", "newsletter", {}, tmp_path / "m", lambda s: told.append(s.rendered))
    assert (state.done, state.rendered, state.told["NO_CONSENT"]) == (True, CUSTOMERS - 1, 1)
    written = lines(tmp_path / "m")
    assert sorted(line["to"] for line in written) == sorted(
        f"user-{n}@example.com" for n in range(CUSTOMERS) if n != 5
    )
    for line in written:
        served = await hub.ledger.get(line["served_id"])
        assert (served.html, served.channel) == (line["html"], Channel.EMAIL)
    assert await hub.store.db["served"].count_documents({}) == CUSTOMERS - 1
    assert told == [CUSTOMERS - 1]


async def test_a_batch_that_was_killed_goes_on_where_it_stopped(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(batching, "CHUNK", 4)
    file, rendered = tmp_path / "m", 0
    real = ExperienceService.assemble

    async def dying(*args, **given):
        nonlocal rendered
        rendered += 1
        if rendered in {6, 9}:
            raise Killed
        return await real(*args, **given)

    monkeypatch.setattr(ExperienceService, "assemble", dying)
    for _ in range(2):
        with pytest.raises(Killed):
            await batch(hub).run("one", "newsletter", {}, file, lambda _: None)
        await asyncio.sleep(0.2)  # what was under way settles, as at a server that outlives its client
        with file.open("ab") as half:
            half.write(b'{"served_id": "half a li')
    state = await batch(hub).run("one", "newsletter", {}, file, lambda _: None)
    assert state.rendered == CUSTOMERS - 1
    ids = [line["served_id"] for line in lines(file)]
    assert len(ids) == len(set(ids)) == CUSTOMERS - 1
    assert await hub.store.db["served"].count_documents({}) == CUSTOMERS - 1
    again = await batch(hub).run("one", "newsletter", {}, file, lambda _: None)
    assert again.told == state.told


async def test_two_processes_with_one_batch_make_no_second_row(hub, tmp_path):
    await asyncio.gather(
        *(batch(hub).run("one", "newsletter", {}, tmp_path / f"m{n}", lambda _: None) for n in range(2))
    )
    assert await hub.store.db["served"].count_documents({}) == CUSTOMERS - 1


async def test_a_segment_is_those_whose_traits_match(hub, tmp_path):
    state = await batch(hub).run("l", "newsletter", {"city": "Ludlow"}, tmp_path / "m", lambda _: None)
    assert (state.rendered, state.told["NOT_OF_THE_SEGMENT"]) == (4, 8)
    with pytest.raises(Conflict):
        await batch(hub).run("l", "newsletter", {"city": "Leeds"}, tmp_path / "m", lambda _: None)


async def test_a_segment_of_the_house_is_who_is_in_it(hub, tmp_path):
    rule = {"trait": "city", "is": "Ludlow"}
    await hub.catalogue.put_segments([Segment(key="ludlow", title="people of Ludlow", rule=rule)])
    for wanted, count in ((("ludlow",), 4), (("ludlow", "ludlow"), 4)):
        state = await batch(hub).run(
            f"s{len(wanted)}",
            "newsletter",
            {},
            tmp_path / f"{len(wanted)}",
            lambda _: None,
            members_of=wanted,
        )
        assert (state.rendered, state.told["NOT_OF_THE_SEGMENT"]) == (count, CUSTOMERS - count)
    none = await batch(hub).run(
        "n", "newsletter", {"city": "Leeds"}, tmp_path / "n", lambda _: None, members_of=("ludlow",)
    )
    assert none.rendered == 0
    with pytest.raises(Conflict, match="for ludlow"):
        await batch(hub).run("s1", "newsletter", {}, tmp_path / "1", lambda _: None)
    with pytest.raises(NotFound) as unknown:
        await batch(hub).run("u", "newsletter", {}, tmp_path / "u", lambda _: None, members_of=("moon",))
    assert unknown.value.kind == "UNKNOWN_SEGMENT"
    assert not (tmp_path / "u").exists()


async def test_a_file_that_is_not_the_batchs_own_is_refused(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(batching, "CHUNK", 4)

    def stop(_state):
        raise Killed

    with pytest.raises(Killed):
        await batch(hub).run("one", "newsletter", {}, tmp_path / "m", stop)
    with pytest.raises(Conflict):
        await batch(hub).run("one", "newsletter", {}, tmp_path / "other", lambda _: None)


async def test_what_is_read_together_is_what_would_be_read_one_by_one(hub, tmp_path):
    """Messages rendered side by side say what each would say alone, some customers being behind or merged."""
    ids = await hub.profiles.page_of_ids(most=CUSTOMERS)
    await hub.send(*(track("Product Viewed", product_id="rose") | {"userId": f"user-{n}"} for n in range(4)))
    await hub.send(IDENTIFY | {"userId": "user-7", "traits": {"first_name": "Ida"}})
    for each in ids[:3]:
        profile = await hub.profiles.get(each)
        await hub.offers.promise(profile, [OFFER], channel="WEB", at=hub.clock.now())
    await batch(hub).run("one", "newsletter", {}, tmp_path / "m", lambda _: None)
    written = {line["customer"]: line for line in lines(tmp_path / "m")}
    asked = [*ids, "prf_nobody"]
    together = await hub.profiles.get_many(asked)
    apart = {i: profile for i in asked if (profile := await hub.profiles.get(i)) is not None}
    assert list(map(kept, together.values())) == [kept(apart[i]) for i in together]
    assert together.keys() == apart.keys()
    profiles = list(together.values())
    moments = [(profile, hub.clock.now() + timedelta(days=n)) for n, profile in enumerate(profiles)]
    offers = hub.catalogue.snapshot.offers
    assert await hub.offers.standings(moments, offers) == [
        await hub.offers.standing(profile, offers, at) for profile, at in moments
    ]
    for profile_id, line in written.items():
        ref = CustomerRef("id", profile_id)
        alone = await hub.experiences.assemble(
            ref, channel=Channel.EMAIL, scenario="newsletter", preview=True
        )
        assert (alone.to, alone.subject, alone.preheader) == (line["to"], line["subject"], line["preheader"])
        served = await hub.ledger.get(line["served_id"])
        assert [item.content for item in hub.ledger.items(served)] == [
            replace(item.content, text="") for item in shown(alone)
        ]


async def test_an_unknown_scenario_is_refused(hub, tmp_path):
    with pytest.raises(NotFound):
        await batch(hub).run("x", "no_such", {}, tmp_path / "m", lambda _: None)


async def test_replay_is_equal_for_all_after_the_configuration_has_changed(hub, tmp_path):
    """Law 9, N of N: scenario, catalogue, facts and layers change; what was served does not."""
    await batch(hub).run("one", "newsletter", {}, tmp_path / "m", lambda _: None)
    for number in range(CUSTOMERS):
        for channel in (Channel.WEB, Channel.SERVICE_DESK):
            await hub.assemble(f"user-{number}", channel)
    ids = [row["_id"] for row in await hub.store.db["served"].find({}, {"_id": 1}).to_list()]
    before = {each: (await hub.ledger.get(each)).body for each in ids}
    assert len(before) == 3 * CUSTOMERS - 1
    for change in range(20):
        hub.clock.instant += timedelta(hours=1)
        await hub.catalogue.put_contents([replace(c, title=f"{c.title} {change}") for c in CONTENTS])
        await hub.catalogue.put_brand_facts([replace(FACTS, voice=f"Voice {change}")])
        await hub.store.db["scenarios"].update_many(
            {}, {"$inc": {"version": 1}, "$set": {"mix.weights": {"base": 0.5 + change}, "title": "Other"}}
        )
    hub.scenarios.forget()
    now = await hub.assemble("user-0", Channel.WEB)
    assert now.decision.configuration_version not in str(before.values())
    assert {each: (await hub.ledger.get(each)).body for each in ids} == before
    assert (await hub.ledger.verify()).faults == ()


async def test_messages_that_other_processes_render_are_the_same(hub, tmp_path):
    await batch(hub).run("here", "newsletter", {}, tmp_path / "here", lambda _: None)
    with renderers(1) as others:
        side_by_side = hub.experiences.side_by_side(hub.profiles, hub.offers, others)
        there = EmailBatch(
            hub.store, hub.profiles, side_by_side, hub.ledger, hub.clock, segments=segments_of(hub)
        )
        state = await there.run("there", "newsletter", {}, tmp_path / "there", lambda _: None)
    one, other = lines(tmp_path / "here"), lines(tmp_path / "there")
    assert state.rendered == len(one) == len(other) > 0
    for here, elsewhere in zip(one, other, strict=True):
        assert (here["customer"], here["subject"]) == (elsewhere["customer"], elsewhere["subject"])
        assert plain(here) == plain(elsewhere)
        assert (await hub.ledger.get(elsewhere["served_id"])).html == elsewhere["html"]


async def test_a_renderer_that_ends_is_told_and_the_batch_goes_on_when_it_is_run_again(hub, tmp_path):
    with renderers(1) as others:
        side_by_side = hub.experiences.side_by_side(hub.profiles, hub.offers, others)
        there = EmailBatch(
            hub.store, hub.profiles, side_by_side, hub.ledger, hub.clock, segments=segments_of(hub)
        )
        with contextlib.suppress(BrokenProcessPool):
            others._pool.submit(os._exit, 1).result()
        with pytest.raises(Unavailable, match="rendering process"):
            await there.run("one", "newsletter", {}, tmp_path / "m", lambda _: None)
    state = await batch(hub).run("one", "newsletter", {}, tmp_path / "m", lambda _: None)
    assert state.done
    assert len(lines(tmp_path / "m")) == state.rendered > 0


def plain(line):
    """What is not this message's alone: addresses hold its id, stamps and tokens."""
    return re.sub(r"https?://[^\s\"<>]+", "", line["html"]), re.sub(r"https?://\S+", "", line["text"])
