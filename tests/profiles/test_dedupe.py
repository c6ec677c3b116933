"""Customers who are alike become reviews, never merges."""

import random
import warnings

import pytest

from hub.profiles import matching
from hub.profiles.dedupe import DedupeService, record_of
from hub.profiles.merge_model import ReviewKind
from tests.profiles.rooms import Rooms

GIVEN = ("ada", "ben", "cleo", "dora", "emil", "fay", "gwen", "hugo", "iris", "jack", "kara", "liam")
FAMILY = ("lindqvist", "moreau", "nakamura", "okafor", "petrov", "quigley", "rossi", "schmidt", "tanaka")


def person(number: int) -> dict[str, str]:
    chance = random.Random(number)
    return {
        "firstName": chance.choice(GIVEN),
        "lastName": chance.choice(FAMILY),
        "birthday": f"19{chance.randint(40, 99)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
        "street": f"{chance.choice(FAMILY)} street",
        "city": chance.choice(("bath", "york", "leeds", "truro")),
        "postalCode": str(chance.randint(1000, 1060)),
    }


@pytest.fixture
def quiet() -> None:
    """Recordlinkage and what it rests on warn of each other's futures; that is theirs."""
    warnings.simplefilter("ignore")


async def crowd(rooms: Rooms) -> None:
    """Sixty people, of whom six came twice, with a slip of the pen."""
    messages = [
        {"type": "identify", "userId": f"u{number}", "traits": person(number)} for number in range(60)
    ]
    doubles = {
        n: person(n) | {"firstName": f"{person(n)['firstName']}a", "city": "bristol"} for n in range(6)
    }
    messages += [
        {"type": "identify", "userId": f"double{n}", "traits": traits} for n, traits in doubles.items()
    ]
    await rooms.send(*messages)
    await rooms.ingest.recover()


class TestWhatTraitsTell:
    def test_segments_own_places_count(self) -> None:
        address = {"street": "6 Mill Lane", "city": "Bath", "postalCode": "BA1", "state": None}
        assert record_of({"name": " Ada Maria  Lindqvist ", "address": address}) == {
            "given": "Ada Maria", "family": "Lindqvist", "street": "6 Mill Lane", "place": "Bath", "postcode": "BA1",
        }  # fmt: skip

    def test_what_is_said_by_itself_counts_more(self) -> None:
        traits = {"name": "A. L.", "first_name": "Ada", "city": "York", "address": {"city": "Bath"}}
        assert record_of(traits) == {"given": "Ada", "place": "York"}

    @pytest.mark.parametrize(
        "traits", [{"name": "Ada"}, {"name": 7}, {"address": "6 Mill Lane"}, {"address": {}}]
    )
    def test_what_has_no_parts_says_nothing(self, traits: dict[str, object]) -> None:
        assert record_of(traits) == {}


@pytest.mark.usefixtures("quiet")
class TestDedupe:
    async def test_tells_how_far_it_is(self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(matching, "COMPARED_TOGETHER", 50)
        await crowd(rooms)
        told: list[tuple[str, int, int]] = []
        service = DedupeService(rooms.profiles, rooms.clock)
        report = await service.propose(least=0.9, progress=lambda *step: told.append(step))
        compared = [done for what, done, _ in told if what == "pairs compared"]
        assert compared == [*range(0, report.compared, 50), report.compared]
        assert told[0] == ("customers read", 66, 66)
        assert told[-1] == ("reviews opened", 0, len(report.proposals))

    async def test_proposes_doubles_as_reviews_and_merges_nobody(self, rooms: Rooms) -> None:
        await crowd(rooms)
        service = DedupeService(rooms.profiles, rooms.clock)
        rehearsed = await service.propose(least=0.9, dry_run=True)
        assert await rooms.store.db["reviews"].count_documents({}) == 0
        report = await service.propose(least=0.9)
        assert report.proposals == rehearsed.proposals
        assert report.opened == len(report.proposals)
        pairs = set()
        for review in (await rooms.reviews.page(state=None, first=50)).nodes:
            assert review.kind is ReviewKind.SIMILAR
            assert review.score is not None
            pairs.add(frozenset(c.identity("user_id") for c in await rooms.reviews.customers(review)))
        assert pairs == {frozenset({f"u{n}", f"double{n}"}) for n in range(6)}
        assert await rooms.store.db["merges"].count_documents({}) == 0

    async def test_again_opens_none_that_was_opened_before(self, rooms: Rooms) -> None:
        await crowd(rooms)
        service = DedupeService(rooms.profiles, rooms.clock)
        await service.propose(least=0.9)
        [review, *_] = (await rooms.reviews.page(state=None, first=50)).nodes
        await rooms.reviews.decide(review.id, accept=False, by="ann")
        before = await rooms.store.db["reviews"].find().sort("_id", 1).to_list()
        assert (await service.propose(least=0.9)).opened == 0
        assert await rooms.store.db["reviews"].find().sort("_id", 1).to_list() == before

    async def test_of_nobody_finds_nobody(self, rooms: Rooms) -> None:
        report = await DedupeService(rooms.profiles, rooms.clock).propose(least=0.9)
        assert (report.customers, report.compared, report.proposals, report.opened) == (0, 0, (), 0)


def test_traits_are_understood_by_their_usual_names() -> None:
    traits = {"given_name": "Ada", "surname": " ", "lastname": "Lindqvist", "zip": 1234, "vip": True}
    assert record_of(traits) == {"given": "Ada", "family": "Lindqvist", "postcode": "1234"}
