import asyncio
import threading
from datetime import timedelta

import numpy as np
import pytest

from embeddings.cache import CachedEncoder
from hub.answers import ridge as ridging
from hub.answers import service as serving
from hub.answers.calibration import Calibration, calibrate
from hub.answers.resolver import Resolver
from hub.answers.ridge import Kernel, Ridge
from hub.answers.service import LONGEST_QUESTION, AnswerService
from hub.answers.wording import WIDTH, Wording, runs
from hub.catalogue.building import answer_texts, build_snapshot
from hub.catalogue.model import Answer
from hub.errors import InvalidInput, Unavailable
from hub.kit.clock import FixedClock
from tests.builders import NOW, make_facts, make_snapshot, text_vector


class Shelf:
    def __init__(self, snapshot):
        self.snapshot = snapshot


class WordsEncoder:
    async def vector(self, text, *, keep):
        assert not keep, "a question may hold personal data"
        return text_vector(text)


def make_answer(key, title, *questions, **given):
    return Answer(key=key, title=title, text=f"{title}.", questions=questions, brand="house", **given)


def service(*answers, **given):
    return AnswerService(Shelf(make_snapshot(answers=answers)), WordsEncoder(), **given)


class TestAnswer:
    async def test_the_nearest_way_of_asking_finds_the_answer_with_its_claims(self):
        returns = make_answer("returns", "Returns", "How do I send something back?", claims=("returns",))
        parking = make_answer("parking", "Parking", "Where do I park the car?")
        result = await service(returns, parking).answer("  how do I send  something back ", at=NOW)
        assert result.answer == returns
        assert result.confidence > 0.95
        assert [(c.key, c.version) for c in result.claims] == [("returns", 1)]
        assert result.question == "how do I send something back"

    async def test_between_twins_it_says_nothing_and_names_both(self):
        twins = [make_answer(k, "Delivery", "When does my parcel come?") for k in ("north", "south")]
        result = await service(*twins).answer("When is my parcel to come", at=NOW)
        assert result.answer is None
        assert {a.key for a in result.alternatives} == {"north", "south"}

    async def test_no_alternative_is_likelier_than_what_was_too_unlikely_to_be_said(self):
        answers = [
            make_answer("broken", "Something is broken", "My lamp arrived broken"),
            make_answer("late", "Where is my parcel", "My parcel has not arrived"),
            make_answer("missing", "Something is missing", "My parcel arrived without the lamp"),
        ]
        result = await service(*answers).answer("My parcel arrived and a thing is wrong", at=NOW)
        assert result.answer is None
        chances = [alternative.confidence for alternative in result.alternatives]
        assert chances == sorted(chances, reverse=True)
        assert chances[0] == result.confidence

    async def test_an_answer_is_said_to_the_locale_that_it_was_written_for(self):
        english = make_answer("returns", "Returns", "How do I send it back?")
        german = make_answer("returns-de", "Rückgabe", "Wie sende ich es zurück?", locale="de")
        british = make_answer("parking", "Parking", "Where do I park?", locale="en-GB")
        asking = service(english, german, british, deadline=60)  # two dictionaries are read

        async def said(question, locale):
            result = await asking.answer(question, at=NOW, locale=locale)
            return None if result.answer is None else result.answer.key

        for locale in (None, "en", "en-GB", "EN-us"):
            assert await said("How do I send it back?", locale) == "returns"
        assert await said("Wie sende ich es zurück?", "de-AT") == "returns-de"
        assert await said("Wie sende ich es zurück?", "en") is None
        assert [await said("Where do I park?", each) for each in ("en", "en-GB", "en-US")] == [
            "parking",
            "parking",
            None,
        ]
        nothing = await asking.answer("How do I send it back?", at=NOW, locale="fr")
        assert (nothing.answer, nothing.confidence) == (None, 0.0)
        assert nothing.alternatives[0].key == "returns"
        for locale in ("", "English please", "e"):
            with pytest.raises(InvalidInput) as refused:
                await asking.answer("How?", at=NOW, locale=locale)
            assert (refused.value.kind, refused.value.path) == ("BAD_LOCALE", ("locale",))

    async def test_what_nobody_approved_or_no_longer_holds_is_never_said(self):
        draft = make_answer("draft", "Returns", approved=False)
        old = make_answer("old", "Returns", valid_until=NOW)
        early = make_answer("early", "Returns", valid_from=NOW + timedelta(seconds=1))
        result = await service(draft, old, early).answer("Returns", at=NOW)
        assert (result.answer, result.alternatives, result.confidence) == (None, (), 0.0)
        assert (await service(early).answer("Returns", at=NOW + timedelta(seconds=1))).answer == early

    async def test_a_house_without_answers_has_none(self):
        assert (await service().answer("Anything?", at=NOW)).answer is None

    @pytest.mark.parametrize(
        ("question", "code"),
        [
            ("", "EMPTY_QUESTION"),
            (" \n\t", "EMPTY_QUESTION"),
            ("a" * (LONGEST_QUESTION + 1), "QUESTION_TOO_LONG"),
        ],
    )
    async def test_no_question_and_too_long_a_question_are_refused(self, question, code):
        with pytest.raises(InvalidInput) as refused:
            await service(make_answer("a", "A")).answer(question, at=NOW)
        assert (refused.value.kind, refused.value.path) == (code, ("question",))

    @pytest.mark.parametrize(
        "asked", ["RETRUN IT???", "😡 return.it", "  \uff52\uff45\uff54\uff55\uff52\uff4e\u200bit "]
    )
    async def test_however_it_is_typed_it_is_the_same_question(self, asked):
        returns = make_answer("returns", "Returns", "return it")
        result = await service(returns, make_answer("b", "Parking")).answer(asked, at=NOW)
        assert result.answer == returns
        assert result.question.casefold().rstrip("?") == "return it"

    @pytest.mark.parametrize("asked", ["???", "😡", "\u200b."])
    async def test_what_has_no_word_has_no_answer(self, asked):
        result = await service(make_answer("a", "A")).answer(asked, at=NOW)
        assert (result.answer, result.confidence, result.alternatives) == (None, 0.0, ())

    async def test_an_encoder_that_hangs_is_given_up(self):
        class Hanging:
            async def vector(self, text, *, keep):
                await asyncio.sleep(60)

        answers = AnswerService(
            Shelf(make_snapshot(answers=(make_answer("a", "A"),))), Hanging(), deadline=0.01
        )
        with pytest.raises(Unavailable):
            await answers.answer("A?", at=NOW)


def test_confidence_rises_with_nearness_and_with_the_lead():
    sure = Calibration().confidence
    assert sure(0.5, 0.4, 0.6) < sure(0.7, 0.4, 0.6) < sure(0.9, 0.4, 0.6)
    assert sure(0.7, 0.69, 0.6) < sure(0.7, 0.5, 0.6) < sure(0.7, 0.0, 0.6) == sure(0.7, -0.2, 0.6)
    assert sure(0.7, 0.4, 0.3) < sure(0.7, 0.4, 0.9)


RETAIL = (
    (
        "returns",
        "How to return something",
        "Can I send it back?",
        "I want my money back",
        "It does not fit, what now?",
    ),
    (
        "delivery-time",
        "How long delivery takes",
        "When will my parcel arrive?",
        "How many days does shipping take?",
    ),
    ("track", "Where your parcel is", "Where is my order?", "Can I track my delivery?"),
    ("cancel", "Cancelling an order", "I ordered by mistake", "Can I still cancel my order?"),
    ("vouchers", "Gift vouchers", "Do you sell gift cards?", "How do I redeem a voucher?"),
    ("payment", "Ways to pay", "Can I pay with PayPal?", "Which credit cards do you take?"),
    ("password", "Forgotten password", "I cannot log in", "How do I reset my password?"),
    ("frost", "Whether pots survive frost", "Can the terracotta stay outside in winter?"),
    ("wool-care", "Washing wool", "How do I wash a wool blanket?", "Can this jumper go into the machine?"),
    ("shops", "Opening hours of our shops", "When are you open?", "Are you open on Sundays?"),
    ("broken", "Something arrived broken", "My mug came in pieces", "The item is damaged"),
    ("unsubscribe", "Stopping our email", "How do I unsubscribe?", "Please stop sending me newsletters"),
)
IN_SCOPE = (
    ("May I return a pair of gloves that is too small?", "returns"),
    ("how do i get a refund", "returns"),
    ("How long until my order gets here?", "delivery-time"),
    ("Can you tell me where my package is right now?", "track"),
    ("please cancel the order I placed this morning", "cancel"),
    ("do you have gift vouchers", "vouchers"),
    ("Is paying by PayPal possible?", "payment"),
    ("forgot my password", "password"),
    ("Will terracotta pots crack in winter if left outside?", "frost"),
    ("washing instructions for the woollen blanket", "wool-care"),
    ("Is your shop open on Sunday?", "shops"),
    ("the teapot I got is broken", "broken"),
    ("stop sending me emails", "unsubscribe"),
)
OUT_OF_SCOPE = (
    "What is the capital of Australia?",
    "Do you rent out lawn mowers?",
    "Who won the match last night?",
    "Can you recommend a dentist?",
    "Are your tables made of oak?",
    "How old is the company's founder?",
    "asdf qwer zxcv",
    "Do you deliver fresh fish?",
    "What is the meaning of life?",
    "Is there a job for me?",
    "Write me a poem about the sea",
    "How do I file my taxes?",
)


@pytest.fixture(scope="module")
async def retailer(encoder):
    answers = tuple(Answer(key=k, title=t, text=f"{t}.", questions=q) for k, t, *q in RETAIL)
    texts = sorted({text for answer in answers for text in answer_texts(answer)})
    vectors = dict(zip(texts, encoder.encode(texts), strict=True))
    snapshot = build_snapshot(
        (),
        vectors=vectors,
        encoder_id=encoder.id,
        dimensions=encoder.dimensions,
        answers=answers,
        facts=(make_facts(),),
    )
    return AnswerService(Shelf(snapshot), CachedEncoder(encoder, None), deadline=30.0)


@pytest.mark.model
class TestWithTheRealModel:
    async def test_questions_in_scope_are_answered_rightly_or_not_at_all(self, retailer):
        results = [(await retailer.answer(question, at=NOW), key) for question, key in IN_SCOPE]
        said = [(result.answer.key, key) for result, key in results if result.answer]
        assert [got for got, wanted in said if got != wanted] == []
        assert len(said) >= 10
        unsaid = [(result, key) for result, key in results if result.answer is None]
        lost = [key for result, key in unsaid if key not in {a.key for a in result.alternatives}]
        assert len(lost) <= 1  # "a pair of gloves that is too small" says nothing of sending back

    async def test_questions_out_of_scope_get_no_answer(self, retailer):
        results = {question: await retailer.answer(question, at=NOW) for question in OUT_OF_SCOPE}
        answered = {question: r.answer.key for question, r in results.items() if r.answer}
        assert answered == {}


class TestResolver:
    def fitted(self, count, each, noise, seed=0):
        rng = np.random.default_rng(seed)
        centres = rng.standard_normal((count, 64))
        rows = np.repeat(np.arange(count), each).astype(np.int32)
        vectors = unit(centres[rows] + noise * rng.standard_normal((len(rows), 64)))
        return centres, vectors, rows, rng

    def test_what_it_says_of_a_text_unseen_is_what_it_would_say_without_it(self):
        _, vectors, rows, _ = self.fitted(4, 5, 1.0)
        whole = Kernel(vectors, np.zeros((len(rows), WIDTH), np.float32), 0.0)
        ridge, seventh = Ridge(whole, rows, 4), np.array([7])
        alone, without = ridge.without_itself(seventh)[0], ridge.without_its_answer(seventh)[0]
        for left_out, told in ((np.arange(20) == 7, alone), (rows == 1, without)):
            kept = np.flatnonzero(~left_out)
            other = Ridge(whole.of(kept), rows[kept], 4)
            scores = (whole.of(seventh).with_(whole.of(kept[other.pivots])) @ other.weights)[0]
            finite = np.isfinite(told)
            assert scores[finite] == pytest.approx(told[finite], abs=1e-3)
        assert without[1] == -np.inf

    def test_many_texts_are_spanned_by_few_and_still_found(self, monkeypatch):
        monkeypatch.setattr(ridging, "MOST_PIVOTS", 60)
        centres, vectors, rows, rng = self.fitted(20, 30, 1.0)
        resolver = Resolver(vectors, [str(row) for row in rows], rows)
        asked = unit(centres + rng.standard_normal(centres.shape))
        found = [resolver.matches("?", vector)[0].row for vector in asked]
        assert np.mean(np.array(found) == np.arange(20)) >= 0.95

    def test_its_confidence_is_the_share_that_is_right(self):
        centres, vectors, rows, rng = self.fitted(30, 6, 2.4)
        resolver = Resolver(vectors, ["" for _ in rows], rows)
        wanted = rng.integers(0, 30, 600)
        asked = unit(centres[wanted] + 2.4 * rng.standard_normal((600, 64)))
        sure, right = [], []
        for vector, row in zip(asked, wanted, strict=True):
            best, second = resolver.matches("", vector)[:2]
            sure.append(resolver.calibration.confidence(best.score, second.score, best.similarity))
            right.append(best.row == row)
        assert 0.2 < np.mean(right) < 0.99
        assert np.mean(sure) == pytest.approx(np.mean(right), abs=0.2)

    def test_letters_tell_apart_what_the_vectors_do_not(self):
        vectors = unit(np.ones((6, 8)))
        texts = ["sort code", "the sort code", "a sort code", "swift number", "my swift number", "swift"]
        resolver = Resolver(vectors, texts, np.repeat([0, 1], 3).astype(np.int32))
        assert resolver.letters > 0
        assert resolver.matches("which swift", vectors[0])[0].row == 1
        assert resolver.matches("which sort code", vectors[0])[0].row == 0

    def test_twins_are_spanned_once(self):
        _, vectors, rows, _ = self.fitted(4, 5, 1.0)
        twins = Kernel(np.repeat(vectors, 3, axis=0), np.zeros((60, WIDTH), np.float32), 0.0)
        ridge = Ridge(twins, np.repeat(rows, 3), 4)
        assert len({place // 3 for place in ridge.pivots.tolist()}) == len(ridge.pivots) == 20

    def test_many_questions_are_matched_as_each_alone(self):
        centres, vectors, rows, _ = self.fitted(5, 4, 1.0)
        resolver = Resolver(vectors, [f"text {place}" for place in range(20)], rows)
        asked = unit(centres)
        together = resolver.matches_of([f"text {n}" for n in range(5)], asked)
        for number, matches in enumerate(together):
            alone = resolver.matches(f"text {number}", asked[number])
            assert [match.row for match in matches] == [match.row for match in alone]
            assert [m.score for m in matches] == pytest.approx([m.score for m in alone], abs=1e-5)

    async def test_it_is_made_once_for_the_same_answers_whoever_asks(self, monkeypatch):
        made = []
        monkeypatch.setattr(serving, "prepare", lambda *a, real=serving.prepare: made.append(1) or real(*a))
        asked = service(make_answer("a", "Returns"), make_answer("b", "Parking"))
        await asyncio.gather(*(asked.answer("Returns", at=NOW) for _ in range(5)))
        await asked.answer("Parking", at=NOW + timedelta(days=1))
        assert len(made) == 1


class TestLearningAnew:
    """While a new set of answers is learned, the former one finds what is in force."""

    @pytest.fixture
    async def desk(self, monkeypatch):
        shelf = Shelf(
            make_snapshot(answers=(make_answer("returns", "Returns"), make_answer("parking", "Parking")))
        )
        answers = AnswerService(shelf, WordsEncoder(), deadline=20.0)
        await answers.prepare(NOW)
        go_on = threading.Event()
        monkeypatch.setattr(serving, "PATIENCE", 0.01)
        monkeypatch.setattr(serving, "prepare", lambda *a, real=serving.prepare: go_on.wait() and real(*a))
        yield shelf, answers, go_on
        go_on.set()
        await answers.prepare(NOW)

    async def test_questions_go_on_being_answered_in_the_version_in_force(self, desk):
        shelf, answers, go_on = desk
        changed = make_answer("returns", "Returns", version=2)
        shelf.snapshot = make_snapshot(answers=(changed, make_answer("opening", "Opening hours")))
        assert (await answers.answer("Returns", at=NOW)).answer == changed
        assert (await answers.answer("Opening hours", at=NOW)).answer is None
        go_on.set()
        await answers.prepare(NOW)
        assert (await answers.answer("Opening hours", at=NOW)).answer.key == "opening"

    async def test_what_was_withdrawn_is_not_said_and_nothing_in_its_place(self, desk):
        shelf, answers, _ = desk
        shelf.snapshot = make_snapshot(answers=(make_answer("parking", "Parking"),))
        result = await answers.answer("Returns", at=NOW)
        assert (result.answer, result.confidence) == (None, 0.0)
        assert "returns" not in {alternative.key for alternative in result.alternatives}

    async def test_the_first_set_is_waited_for_and_then_said_to_be_late(self, monkeypatch):
        go_on = threading.Event()
        monkeypatch.setattr(serving, "prepare", lambda *a, real=serving.prepare: go_on.wait() and real(*a))
        answers = service(make_answer("a", "Returns"), deadline=0.05)
        with pytest.raises(Unavailable):
            await answers.answer("Returns", at=NOW)
        go_on.set()
        await answers.prepare(NOW)
        assert (await answers.answer("Returns", at=NOW)).answer.key == "a"

    async def test_other_answers_are_learned_before_anybody_asks(self, monkeypatch):
        monkeypatch.setattr(serving, "LOOK_EVERY", 0.01)
        shelf = Shelf(make_snapshot(answers=(make_answer("a", "Returns"),)))
        answers = AnswerService(shelf, WordsEncoder())
        keeping = asyncio.create_task(answers.maintain(FixedClock(NOW)))
        for title in ("Returns", "Opening hours"):
            shelf.snapshot = make_snapshot(answers=(make_answer("b", title),))
            while answers._former is None or answers._former.keys != ("b",):
                await asyncio.sleep(0.01)
        keeping.cancel()


class TestCalibration:
    def test_a_weight_that_would_be_negative_is_left_out_and_the_others_do_not_lean_on_it(self):
        """As with very many known questions: beside the lead, a higher score would speak against an answer."""
        rng = np.random.default_rng(5)
        right = rng.random(2_000) < 0.9
        score = rng.uniform(0.2, 0.6, 2_000)
        near = np.where(right, 0.85, 0.7) + 0.08 * rng.standard_normal(2_000)
        known = np.column_stack([score, score - np.where(right, 0.3, 0.1), near])
        score = rng.uniform(0.5, 1.0, 2_000)
        unknown = np.column_stack([score, score - 0.2, 0.7 + 0.08 * rng.standard_normal(2_000)])
        fitted = calibrate(known=known, right=right, unknown=unknown)
        assert min(fitted.score, fitted.lead, fitted.similarity) >= 0.0
        sure = [np.mean([fitted.confidence(*row) for row in rows]) for rows in (known, unknown)]
        # a fifth is taken to be asked in vain: the mean of all is the share that is right
        assert 0.8 * sure[0] + 0.2 * sure[1] == pytest.approx(0.8 * right.mean(), abs=0.02)
        assert np.mean([fitted.confidence(*row) >= 0.5 for row in unknown]) < 0.1


class TestWording:
    def test_a_run_is_of_two_to_five_letters_within_a_word(self):
        distinct, counts = runs(["ab ab", "ab", "\U0001f642"])
        of = (distinct >> np.uint64(32)).tolist()
        # " ab ": three runs of two, two of three, one of four
        assert [of.count(text) for text in range(3)] == [6, 6, 0]
        assert counts.tolist() == [2] * 6 + [1] * 6

    def test_the_same_words_are_alike_whatever_their_case_and_others_are_not(self):
        wording = Wording(["Sort code", "swift number"])
        alike = wording.rows(["SORT CODE!", "swift", "", "xyz"]) @ wording.known.T
        assert alike[0, 0] == pytest.approx(1.0, abs=1e-5)
        assert alike[1, 1] > 0.5 > abs(alike[1, 0])
        assert np.abs(alike[2:]).max() < 0.2


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
