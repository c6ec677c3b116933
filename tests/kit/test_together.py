"""Questions asked at once are answered by one reading, each with its own answer."""

import asyncio

import pytest

from hub.kit.together import Together


class Desk:
    def __init__(self) -> None:
        self.readings: list[list[int]] = []
        self.reading = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, asked):
        self.readings.append(list(asked))
        self.reading.set()
        await self.may_answer.wait()
        if 13 in asked:
            raise ValueError("thirteen")
        return [each * 2 for each in asked]


async def test_who_asks_alone_is_answered_at_once():
    desk = Desk()
    assert await Together(desk.answer, 10).ask(4) == 8
    assert desk.readings == [[4]]


async def test_who_asks_at_once_shares_a_reading_and_who_comes_later_the_next():
    desk = Desk()
    desk.may_answer.clear()
    together = Together(desk.answer, 3)
    first = [asyncio.create_task(together.ask(n)) for n in range(4)]
    await desk.reading.wait()
    later = [asyncio.create_task(together.ask(n)) for n in (7, 8)]
    await asyncio.sleep(0)  # they have asked
    desk.may_answer.set()
    assert await asyncio.gather(*first, *later) == [0, 2, 4, 6, 14, 16]
    assert desk.readings == [[0, 1, 2], [3, 7, 8]]


async def test_a_fault_is_told_to_those_who_asked_together_and_to_nobody_else():
    desk = Desk()
    together = Together(desk.answer, 2)
    answers = await asyncio.gather(*(together.ask(n) for n in (1, 13, 3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError, ValueError, int]
    assert await together.ask(5) == 10


async def test_who_gave_up_is_not_asked_for():
    desk = Desk()
    together = Together(desk.answer, 5)
    hasty = asyncio.create_task(together.ask(1))
    await asyncio.sleep(0)
    hasty.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hasty
    assert await together.ask(2) == 4
    assert desk.readings == [[2]]
