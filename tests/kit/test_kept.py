"""What is in force: kept for a moment, read once for all who ask meanwhile."""

import asyncio

import pytest

from hub.errors import Unavailable
from hub.kit.kept import Kept


class Source:
    def __init__(self):
        self.value, self.readings, self.now, self.gone = "first", 0, 0.0, False
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self):
        value = self.value
        self.readings += 1
        await self.gate.wait()
        if self.gone:
            raise Unavailable("the store does not answer")
        return value


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def kept(source):
    return Kept(source.read, 2.0, "nothing", monotonic=lambda: source.now)


async def test_many_who_ask_at_once_read_once(source, kept):
    source.gate.clear()
    asking = [asyncio.create_task(kept.get()) for _ in range(20)]
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*asking) == ["first"] * 20
    assert source.readings == 1


async def test_it_is_read_again_when_it_is_old_and_not_before(source, kept):
    await kept.get()
    source.value, source.now = "second", 2.0
    assert await kept.get() == "first"
    source.now = 2.1
    assert await kept.get() == "second"


async def test_who_changed_something_sees_it_though_a_reading_was_under_way(source, kept):
    source.gate.clear()
    early = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    source.value = "second"
    kept.forget()
    late = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    source.gate.set()
    assert (await early, await late) == ("first", "second")
    source.value = "third"
    assert await kept.again() == "third"


async def test_what_was_read_last_stands_in_where_the_store_does_not_answer(source, kept):
    source.gone = True
    with pytest.raises(Unavailable):
        await kept.get()
    source.gone = False
    await kept.get()
    source.gone, source.now = True, 10.0
    assert await kept.get() == "first"
    with pytest.raises(Unavailable):
        await kept.again()


async def test_who_gives_up_leaves_the_reading_to_the_next(source, kept):
    source.gate.clear()
    first = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    second = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    first.cancel()
    source.gate.set()
    assert await second == "first"
    assert source.readings == 2
