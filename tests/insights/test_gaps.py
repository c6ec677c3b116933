"""Questions that were asked, kept and told: with a real store, and an encoder made of words."""

import asyncio
from datetime import timedelta

import pytest

from embeddings.cache import CachedEncoder
from hub.answers.service import AnswerService
from hub.catalogue.model import Answer
from hub.config import Settings
from hub.consent.control import ControlService
from hub.decisions.model import Channel
from hub.errors import InvalidInput, Unavailable
from hub.events.service import IngestService
from hub.insights.gaps import GapService
from hub.insights.questions import AGAIN, MOST_WAITING, SURE, QuestionService
from hub.privacy.erasure import ErasureService
from hub.privacy.export import ExportService
from hub.profiles.merging import MergeService
from hub.profiles.model import CustomerRef
from hub.profiles.reviews import ReviewService
from hub.profiles.service import ProfileService
from hub.store.codecs import vector_to_bson
from tests.builders import NOW, make_content, make_snapshot
from tests.profiles.rooms import Rooms, WordsEncoder

DAYS = 4_000  # the tests' clock stands in the past; the server's own would remove what is over

RETURNS = Answer(
    key="returns",
    title="Returns",
    text="Send it back.",
    questions=("How do I return it", "Can I return it"),
    brand="house",
)
DELIVERY = Answer(
    key="delivery",
    title="Delivery",
    text="Three days.",
    questions=("When does my parcel come",),
    brand="house",
)
MOWERS = (
    "Do you rent out lawn mowers",
    "Do you rent out lawn mowers?",
    "do you rent lawn mowers",
    "rent lawn mowers",
)


class Shelf:
    def __init__(self, *answers):
        self.put(*answers)

    def put(self, *answers):
        self.snapshot = make_snapshot([make_content("oak", title="Oak bench")], answers=answers)


class Desk:
    """The house's questions, its answers and its customers."""

    def __init__(self, store, clock):
        self.store, self.clock, self.shelf = store, clock, Shelf(RETURNS, DELIVERY)
        self.encoder = CachedEncoder(WordsEncoder(), None)
        profiles = ProfileService(store, lambda: self.shelf.snapshot, self.encoder)
        ingest = IngestService(store, profiles, clock)
        merges = MergeService(store, profiles, clock)
        self.rooms = Rooms(
            store, clock, self.shelf.snapshot, profiles, ingest, ControlService(ingest, profiles), merges,
            ReviewService(profiles, merges, clock),
        )  # fmt: skip
        answers = AnswerService(self.shelf, self.encoder, deadline=30)
        self.questions = QuestionService(store, answers, profiles, self.encoder, days=DAYS)
        self.gaps = GapService(store, answers, self.encoder, lambda: self.shelf.snapshot, clock)

    async def ask(self, question, user=None, *, ago=timedelta(hours=1), channel=Channel.WEB, keep=True):
        who = None if user is None else CustomerRef("user_id", user)
        result = await self.questions.ask(
            question, at=self.clock.now() - ago, who=who, channel=channel, keep=keep
        )
        await self.questions.settle()
        return result

    async def rows(self):
        return [row async for row in self.store.db["questions"].find().sort("at", 1)]

    async def told(self, days=28):
        return await self.gaps.gaps(days=days)


@pytest.fixture
async def desk(store, clock):
    return Desk(store, clock)


@pytest.fixture
async def crowd(desk):
    """Six customers, who come from nowhere else."""
    users = [f"c{n}" for n in range(6)]
    for user in users:
        await desk.rooms.identify(user, name=f"Name{user} Surname{user}")
    return users


class TestKeeping:
    async def test_a_question_without_an_answer_is_kept_with_who_asked_where(self, desk, crowd):
        result = await desk.ask("Do you rent out lawn mowers, says Namec0", "c0")
        assert result.answer is None
        [row] = await desk.rows()
        profile = await desk.rooms.require("c0")
        assert (row["reply"], row["channel"], row["profile_id"]) == ("UNANSWERED", "WEB", profile.id)
        assert row["text"] == "Do you rent out lawn mowers, says …"
        assert row["expires_at"] - row["at"] == timedelta(days=DAYS)

    async def test_of_a_sure_answer_no_word_of_the_question_is_kept(self, desk, crowd):
        result = await desk.ask("how do i return it", "c0")
        assert result.answer == RETURNS
        [row] = await desk.rows()
        assert (row["reply"], row["answer"]) == ("ANSWERED", "returns")
        assert not {"text", "vector"} & set(row)

    async def test_a_question_of_nobody_is_kept_and_makes_no_customer(self, desk):
        await desk.ask("Do you rent out lawn mowers")
        await desk.ask("Do you rent out lawn mowers", "never-seen")
        assert ["profile_id" in row for row in await desk.rows()] == [False, False]
        assert await desk.store.db["profiles"].count_documents({}) == 0

    async def test_a_preview_keeps_nothing(self, desk, crowd):
        before = await desk.store.db["profiles"].find().to_list()
        assert (await desk.ask("Do you rent out lawn mowers", "c0", keep=False)).answer is None
        assert await desk.rows() == []
        assert await desk.store.db["profiles"].find().to_list() == before

    async def test_who_refused_analytics_is_not_kept(self, desk, crowd):
        await desk.rooms.track("Consent Preference Updated", "c0", purpose="ANALYTICS", state="DENIED")
        await desk.ask("Do you rent out lawn mowers", "c0")
        assert await desk.rows() == []

    async def test_a_question_that_is_refused_is_not_kept(self, desk):
        with pytest.raises(InvalidInput):
            await desk.ask("  ")
        assert await desk.rows() == []

    async def test_a_store_that_is_away_costs_the_customer_nothing(self, desk, monkeypatch):
        async def away(*_, **__):
            raise Unavailable("the store does not answer")

        monkeypatch.setattr(desk.questions._repository, "add", away)
        assert (await desk.ask("how do i return it")).answer == RETURNS

    async def test_no_more_notes_wait_than_there_is_room_for(self, desk, monkeypatch):
        may_write, add = asyncio.Event(), desk.questions._repository.add

        async def slowly(*given, **named):
            await may_write.wait()
            await add(*given, **named)

        monkeypatch.setattr(desk.questions._repository, "add", slowly)
        for n in range(MOST_WAITING + 5):
            await desk.questions.ask(f"mower {n}", at=NOW)
        may_write.set()
        await desk.questions.settle()
        assert len(await desk.rows()) == MOST_WAITING


class TestErasing:
    async def test_takes_the_customers_questions_and_nobody_elses(self, desk, crowd):
        for user in ("c0", "c1", None):
            await desk.ask("Do you rent out lawn mowers", user)
        erasures = ErasureService(desk.store, desk.encoder, desk.clock, settle_seconds=0.01)
        kept = (await desk.rooms.require("c1")).id
        erasure = await erasures.erase(CustomerRef("user_id", "c0"), requested_by="test")
        assert {one.name: one.removed for one in erasure.collections}["questions"] == 1
        assert [row.get("profile_id") for row in await desk.rows()] in ([kept, None], [None, kept])

    async def test_a_question_on_its_way_while_they_are_erased_leaves_nothing(self, desk, crowd, monkeypatch):
        erasures = ErasureService(desk.store, desk.encoder, desk.clock, settle_seconds=0.01)
        before = desk.questions._repository.before

        async def slowly(*given, **named):
            await erasures.erase(CustomerRef("user_id", "c0"), requested_by="test")
            return await before(*given, **named)

        monkeypatch.setattr(desk.questions._repository, "before", slowly)
        await desk.ask("Do you rent out lawn mowers", "c0")
        assert await desk.rows() == []

    async def test_an_export_has_them(self, desk, crowd):
        await desk.ask("Do you rent out lawn mowers", "c0")
        exports = ExportService(desk.store, desk.rooms.profiles, None, desk.clock, "http://hub.example")
        document = b"".join([part async for part in exports.document(await desk.rooms.require("c0"))])
        assert b'"question":"Do you rent out lawn mowers"' in document


class TestTelling:
    async def test_wordings_of_one_question_are_one_gap(self, desk, crowd):
        for n, user in enumerate(crowd):
            await desk.ask(MOWERS[n % len(MOWERS)], user)
        await desk.ask("how do i return it", "c0")
        found = await desk.told()
        assert (found.questions, found.unanswered) == (7, 6)
        [gap] = found.gaps
        assert (gap.customers, gap.times) == (6, 6)
        assert "lawn mowers" in gap.wording
        assert gap.last_asked_at == NOW - timedelta(hours=1)
        assert found.doubtful == ()

    async def test_four_customers_are_not_told_of_however_often_they_ask(self, desk, crowd):
        for n in range(12):
            await desk.ask(MOWERS[n % 4], crowd[n % 4])
        found = await desk.told()
        assert (found.unanswered, found.gaps) == (12, ())

    async def test_nobody_asking_the_same_all_day_is_one_asker(self, desk):
        for n in range(9):
            await desk.ask("Do you rent out lawn mowers", ago=timedelta(minutes=n))
        assert (await desk.told()).gaps == ()
        for day in range(1, 5):
            await desk.ask("Do you rent out lawn mowers", ago=timedelta(days=day))
        assert [gap.customers for gap in (await desk.told()).gaps] == [5]

    async def test_who_refuses_analytics_later_is_left_out(self, desk, crowd):
        for user in crowd:
            await desk.ask("Do you rent out lawn mowers", user)
        await desk.rooms.track("Consent Preference Updated", "c0", purpose="ANALYTICS", state="DENIED")
        await desk.rooms.require("c0")
        [gap] = (await desk.told()).gaps
        assert gap.customers == 5

    async def test_customers_who_turned_out_to_be_one_count_once(self, desk, crowd):
        for user in crowd:
            await desk.ask("Do you rent out lawn mowers", user)
        one, other = (CustomerRef("user_id", user) for user in ("c0", "c1"))
        await desk.rooms.merges.merge(one, [other], by="test")
        [gap] = (await desk.told()).gaps
        assert (gap.customers, gap.times) == (5, 6)

    async def test_a_word_that_few_used_is_not_told(self, desk, crowd):
        for user in crowd:
            await desk.ask(f"rent lawn mowers for cousin{user}", user)
        [gap] = (await desk.told()).gaps
        assert gap.wording == "rent lawn mowers for …"

    async def test_an_answer_approved_since_closes_the_gap(self, desk, crowd):
        for user in crowd:
            await desk.ask("Do you rent out lawn mowers", user)
        desk.shelf.put(
            RETURNS,
            DELIVERY,
            Answer(key="rent", title="Renting", text="No.", questions=MOWERS[:1], brand="house"),
        )
        found = await desk.told()
        assert (found.unanswered, found.gaps, found.doubtful) == (6, (), ())

    async def test_what_is_answered_doubtfully_is_told_apart(self, desk, crowd):
        for user in crowd:
            doubtful = await desk.ask("return my parcel", user)
            assert 0.5 <= doubtful.confidence < SURE
        found = await desk.told()
        assert (found.unanswered, found.gaps) == (0, ())
        [gap] = found.doubtful
        assert gap.nearest[0].key == doubtful.answer.key
        assert gap.nearest[0].confidence == doubtful.confidence

    async def test_how_far_it_looks_back_is_said(self, desk, crowd):
        for user in crowd:
            await desk.ask("Do you rent out lawn mowers", user, ago=timedelta(days=10))
        assert len((await desk.told(days=11)).gaps) == 1
        assert (await desk.told(days=9)).questions == 0

    async def test_vectors_of_a_former_encoder_are_made_again(self, desk, crowd):
        for user in crowd:
            await desk.ask("Do you rent out lawn mowers", user)
        one = (await desk.rows())[0]
        other = desk.encoder.encoder.encode(["something else entirely"])[0]
        await desk.store.db["questions"].update_many(
            {}, {"$set": {"encoder": "former", "vector": vector_to_bson(other)}}
        )
        assert one["encoder"] == desk.encoder.id
        assert [gap.customers for gap in (await desk.told()).gaps] == [6]


class TestAskedAgain:
    async def test_an_answer_after_which_customers_ask_something_else_is_told(self, desk, crowd):
        for user in crowd:
            await desk.ask("When does my parcel come", user, ago=timedelta(hours=1))
            await desk.ask("When does my parcel come", user, ago=timedelta(minutes=59))  # loaded again
        assert (await desk.told()).asked_again == ()
        for user in crowd[:5]:
            await desk.ask("no the parcel i sent to you", user, ago=timedelta(minutes=45))
        [again] = (await desk.told()).asked_again
        assert (again.answer.key, again.customers, again.again) == ("delivery", 6, 5)
        assert again.share == pytest.approx(5 / 6)

    async def test_the_next_day_is_another_matter(self, desk, crowd):
        for user in crowd:
            await desk.ask("When does my parcel come", user, ago=timedelta(hours=2))
            await desk.ask("How do I return it", user, ago=timedelta(hours=2) - AGAIN)
        assert (await desk.told()).asked_again == ()


def test_the_setting_says_how_long_a_question_is_kept():
    assert Settings().question_days == 180
