"""An answer is put into words while its rows are written, and leaves when they are durable, or without what is not."""

import asyncio
from collections import Counter
from contextlib import contextmanager

import pytest

from hub.errors import Unavailable
from hub.kit.leaving import Leaving
from hub.serving import http
from resolvers.globalids import from_global

THREE = """query($for: CustomerRef!) {
  web: experience(for: $for, channel: WEB, scenario: "home") {
    servedId degraded { code } ... on WebExperience { slots { items { content { key } } } } }
  mail: experience(for: $for, channel: EMAIL, scenario: "newsletter") {
    servedId ... on EmailExperience { withheld { code } html } }
  desk: experience(for: $for, channel: SERVICE_DESK, scenario: "service") { servedId degraded { code } } }"""
ADA = {"for": {"userId": "ada"}}


def of(served_id):
    return from_global("Served", served_id)


class Watched:
    """The ledger, with something done before a row is recorded."""

    def __init__(self, ledger, before):
        self._ledger, self._before = ledger, before
        self.asked = Counter()

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    async def record(self, served):
        self.asked[served.channel] += 1
        await self._before(served)
        await self._ledger.record(served)


@contextmanager
def recording(house, before):
    experiences = house.services.experiences
    usual = experiences._ledger
    watched = experiences._ledger = Watched(usual, before)
    try:
        yield watched
    finally:
        experiences._ledger = usual


def refusing(*channels):
    async def before(served):
        if served.channel in channels:
            raise Unavailable("the ledger is away")

    return before


async def test_nothing_leaves_before_its_row_is_durable(house):
    open_now = asyncio.Event()

    async def before(_served):
        await open_now.wait()

    with recording(house, before) as ledger:
        asking = asyncio.create_task(house.data(THREE, ADA))
        while ledger.asked.total() < 3:
            await asyncio.sleep(0.01)
        done, _ = await asyncio.wait({asking}, timeout=0.3)
        assert not done
        open_now.set()
        answer = await asking
    for part in answer.values():
        assert await house.services.ledger.get(of(part["servedId"]))


async def test_the_answer_is_complete_while_its_rows_are_still_being_written(house, monkeypatch):
    complete, open_now = asyncio.Event(), asyncio.Event()
    usual = Leaving.settled

    async def settled(leaving):
        complete.set()
        return await usual(leaving)

    async def before(_served):
        await open_now.wait()

    monkeypatch.setattr(Leaving, "settled", settled)
    with recording(house, before) as ledger:
        asking = asyncio.create_task(house.data(THREE, ADA))
        await asyncio.wait(
            {asyncio.create_task(complete.wait()), asking}, return_when=asyncio.FIRST_COMPLETED
        )
        assert ledger.asked.total() == 3
        open_now.set()
        answer = await asking
    assert all(
        part["servedId"] for part in answer.values()
    )  # had it waited for its rows, they had come too late


async def test_over_http_it_is_spelled_by_then_too(house, monkeypatch):
    steps, usual, spell = [], Leaving.settled, http.spell

    async def settled(leaving):
        steps.append("waits")
        return await usual(leaving)

    def spelled(*given):
        steps.append("spelled")
        return spell(*given)

    monkeypatch.setattr(Leaving, "settled", settled)
    monkeypatch.setattr(http, "spell", spelled)
    assert (await house.data(THREE, ADA))["web"]["servedId"]
    assert steps == ["spelled", "waits"]
    steps.clear()
    with recording(house, refusing("WEB")):
        assert (await house.data(THREE, ADA))["web"]["servedId"] is None
    assert steps == ["spelled", "waits"] * 2


async def test_rows_of_one_answer_are_written_side_by_side(house):
    waiting = asyncio.Barrier(3)  # opens when all three are there

    async def before(_served):
        await waiting.wait()

    with recording(house, before):
        assert all(part["servedId"] for part in (await house.data(THREE, ADA)).values())


@pytest.mark.parametrize("refused", [("WEB",), ("WEB", "EMAIL"), ("EMAIL", "SERVICE_DESK", "WEB")])
async def test_what_could_not_be_written_says_so_and_the_rest_is_as_it_was_recorded(house, refused):
    with recording(house, refusing(*refused)) as ledger:
        answer = await house.data(THREE, ADA)
    assert ledger.asked == Counter(WEB=1, EMAIL=1, SERVICE_DESK=1)  # nothing is recorded twice
    for part, channel in (("web", "WEB"), ("desk", "SERVICE_DESK")):
        if channel in refused:
            assert (answer[part]["servedId"], answer[part]["degraded"]["code"]) == (None, "NOT_RECORDED")
        else:
            assert await house.services.ledger.get(of(answer[part]["servedId"]))
            assert answer[part]["degraded"] is None
    assert answer["web"]["slots"][0]["items"]
    if "EMAIL" in refused:
        assert (answer["mail"]["withheld"]["code"], answer["mail"]["html"]) == ("TRY_AGAIN", None)


async def test_who_asks_twice_for_the_same_is_told_twice(house):
    twice = """query($for: CustomerRef!) {
      one: experience(for: $for, channel: WEB, scenario: "home") { servedId degraded { code } }
      two: experience(for: $for, channel: WEB, scenario: "home") { servedId degraded { code } } }"""
    with recording(house, refusing("WEB")):
        answer = await house.data(twice, ADA)
    assert answer["one"] == answer["two"] == {"servedId": None, "degraded": {"code": "NOT_RECORDED"}}
    answer = await house.data(twice, ADA)
    assert answer["one"]["servedId"] != answer["two"]["servedId"]


async def test_a_fault_that_is_ours_is_masked_in_the_field_that_met_it(house):
    two = """query($for: CustomerRef!) {
      web: experience(for: $for, channel: WEB, scenario: "home") { servedId }
      answer(question: "How do I return an order?", channel: WEB) { confidence } }"""

    async def before(_served):
        raise ZeroDivisionError

    with recording(house, before):
        answer = await house.ask(two, ADA)
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["web"], "INTERNAL")
    assert "ZeroDivision" not in str(answer)


async def test_a_preview_waits_for_nothing(house):
    preview = THREE.replace('"home")', '"home", preview: true)').replace(
        '"newsletter")', '"newsletter", preview: true)'
    )
    preview = preview.replace('"service")', '"service", preview: true)')
    with recording(house, refusing("WEB", "EMAIL", "SERVICE_DESK")) as ledger:
        answer = await house.data(preview, ADA)
    assert not ledger.asked
    assert {part["servedId"] for part in answer.values()} == {None}
