"""Answers: retrieve among what the brand approved, choose, or say honestly that there is none.

Nothing is generated. A question is embedded; every approved answer has a vector for its title and
for each way in which customers ask it. What a question means is learned from these
(`hub.answers.resolver`), once for every set of answers that hold together. While a new set is being
learned, the former one finds the answer; what is said is what is in force, or nothing.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from hub.answers.model import Alternative, AnswerResult
from hub.answers.prepared import Prepared, held_at, in_force, prepare
from hub.answers.reading import plain
from hub.answers.resolver import Match
from hub.catalogue.brand import speaker_of
from hub.catalogue.model import Answer, Claim
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.errors import InvalidInput, Unavailable
from hub.kit.clock import Clock
from hub.kit.deadline import within

T = TypeVar("T")
Held = tuple[str, tuple[tuple[str, int], ...]]  # the encoder's id; key and version of every answer

LONGEST_QUESTION = 1_000  # characters; the encoder reads about the first 250 words
MOST_ALTERNATIVES = 3
LEAST_SIMILARITY = 0.3  # below this a match is chance, not an alternative
LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,6}")
MOST_KEPT = 2  # resolvers: of the answers that hold, and of those that held before
PATIENCE = 0.3  # seconds that a question waits for the new set before the former one replies
LOOK_EVERY = 1.0  # seconds between two looks whether other answers hold by now


class SnapshotProvider(Protocol):
    """Whatever has the catalogue in force: the catalogue service."""

    @property
    def snapshot(self) -> CatalogueSnapshot:
        """The snapshot in force."""
        ...


class QuestionEncoder(Protocol):
    """Whatever turns a text into a unit vector: the cached encoder."""

    async def vector(self, text: str, *, keep: bool = True) -> NDArray[np.float32]:
        """Return (d,) float32; `keep=False` writes nothing to the store's cache."""
        ...


class AnswerService:
    """Finds the approved answer to a question."""

    def __init__(
        self, catalogue: SnapshotProvider, encoder: QuestionEncoder, *, deadline: float = 2.0
    ) -> None:
        """Take the catalogue, the encoder, and the seconds that one question may wait for either."""
        self._catalogue = catalogue
        self._encoder = encoder
        self._deadline = deadline
        self._prepared: OrderedDict[Held, asyncio.Task[Prepared]] = OrderedDict()
        self._former: Prepared | None = None  # the set that was learned last

    async def prepare(self, at: datetime) -> None:
        """Learn what the answers that hold at an instant are asked by, so that no question has to wait."""
        snapshot = self._catalogue.snapshot
        if held := held_at(snapshot, at):
            await self._shared(snapshot, held)

    async def maintain(self, clock: Clock) -> None:
        """Learn anew whenever other answers hold, until cancelled."""
        while True:
            await self.prepare(clock.now())
            await asyncio.sleep(LOOK_EVERY)

    async def answer(self, question: str, *, at: datetime, locale: str | None = None) -> AnswerResult:
        """Return the approved answer that holds at an instant, with its confidence and alternatives.

        Args:
            question: in the customer's words.
            at: the instant.
            locale: a BCP 47 tag: only answers written for it are said; None: for whichever.

        Raises:
            InvalidInput: if the question is empty or longer than `LONGEST_QUESTION` characters, or BAD_LOCALE.
            Unavailable: if the encoder does not answer within the deadline.
        """
        asked = " ".join(question.split())
        if not asked:
            raise InvalidInput(
                "ask something: the question is empty", path=("question",), code="EMPTY_QUESTION"
            )
        if len(asked) > LONGEST_QUESTION:
            raise InvalidInput(
                f"the question has {len(asked)} characters; ask in at most {LONGEST_QUESTION}",
                path=("question",),
                code="QUESTION_TOO_LONG",
            )
        if locale is not None and LOCALE.fullmatch(locale) is None:
            raise InvalidInput(
                f"{locale[:50]!r} is no locale; one looks like en or en-GB",
                path=("locale",),
                code="BAD_LOCALE",
            )
        snapshot, read = self._catalogue.snapshot, plain(asked)
        held = held_at(snapshot, at)
        if not held or not read:
            return AnswerResult(asked, 0.0, None, ())
        prepared = await self._ready(snapshot, held)
        read = prepared.spelling.corrected(read)
        # A question may hold personal data: not even its vector is kept.
        vector = await self._in_time(self._encoder.vector(read, keep=False))
        matches = prepared.resolver.matches(read, vector)
        return choose(read, prepared, matches, snapshot, in_force(snapshot, held), locale)

    async def judge(
        self, asked: Sequence[tuple[str, NDArray[np.float32]]], *, at: datetime
    ) -> list[AnswerResult]:
        """Return what would be replied to questions whose (d,) vectors are at hand.

        Raises:
            Unavailable: if the answers are being prepared for longer than the deadline.
        """
        snapshot = self._catalogue.snapshot
        held = held_at(snapshot, at)
        if not held or not asked:
            return [AnswerResult(question, 0.0, None, ()) for question, _ in asked]
        prepared = await self._ready(snapshot, held)
        questions = [question for question, _ in asked]
        vectors = np.stack([vector for _, vector in asked])

        def replies() -> list[AnswerResult]:
            found, said = prepared.resolver.matches_of(questions, vectors), in_force(snapshot, held)
            return [
                choose(question, prepared, matches, snapshot, said)
                for question, matches in zip(questions, found, strict=True)
            ]

        return await asyncio.to_thread(replies)

    async def _ready(self, snapshot: CatalogueSnapshot, held: tuple[int, ...]) -> Prepared:
        """Return what was learned of the answers that hold; of those that held before, if that takes long.

        Raises:
            Unavailable: if nothing was learned yet, and is not within the deadline.
        """
        former = self._former
        if former is None or former.encoder_id != snapshot.encoder_id:
            return await self._in_time(self._shared(snapshot, held))
        try:
            return await within(min(PATIENCE, self._deadline), self._shared(snapshot, held))
        except TimeoutError:
            return former

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await within(self._deadline, work)
        except TimeoutError:
            raise Unavailable("the answers are being prepared; ask again in a moment") from None

    async def _shared(self, snapshot: CatalogueSnapshot, held: tuple[int, ...]) -> Prepared:
        """Wait for a fit that goes on for the others when one who waits gives up."""
        return await asyncio.shield(self._preparing(snapshot, held))

    def _preparing(self, snapshot: CatalogueSnapshot, held: tuple[int, ...]) -> asyncio.Task[Prepared]:
        """Return the fit to a set of answers: under way, done, or begun now. All who ask share it."""
        answers = [snapshot.answers[row] for row in held]
        name: Held = (snapshot.encoder_id, tuple((answer.key, answer.version) for answer in answers))
        known = self._prepared.get(name)
        if known is None or (known.done() and (known.cancelled() or known.exception() is not None)):
            known = asyncio.create_task(self._learn(snapshot, held))
            self._prepared[name] = known
        self._prepared.move_to_end(name)
        while len(self._prepared) > MOST_KEPT:
            self._prepared.popitem(last=False)
        return known

    async def _learn(self, snapshot: CatalogueSnapshot, held: tuple[int, ...]) -> Prepared:
        self._former = learned = await asyncio.to_thread(prepare, snapshot, held)
        return learned


def choose(
    asked: str,
    prepared: Prepared,
    matches: list[Match],
    snapshot: CatalogueSnapshot,
    said_now: Mapping[str, Answer],
    locale: str | None = None,
) -> AnswerResult:
    """Return what is replied when these matches, likeliest first and at least one, were found.

    An answer is said in the version that is in force, as `said_now` has it. One that holds no more is not
    said, and none other in its place. Where nothing was written for the locale, nothing is said, and the
    nearest of whichever locale are named.
    """
    confident = prepared.resolver.calibration
    written = [match for match in matches if _written_for(said_now.get(prepared.keys[match.row]), locale)]
    foreign = not written
    matches = written or matches
    best = matches[0]
    chosen = None if foreign else said_now.get(prepared.keys[best.row])
    runner_up = matches[1].score if len(matches) > 1 else 0.0
    confidence = confident.confidence(best.score, runner_up, best.similarity)
    said = chosen is not None and confidence >= confident.threshold

    def chance(match: Match) -> float:
        """Return that of an alternative: the best has its own, and none other is likelier than that."""
        if match is best:
            return confidence
        return min(confidence, confident.confidence(match.score, best.score, match.similarity))

    others = (
        Alternative(answer.key, answer.title, round(chance(match), 4), answer)
        for match in matches[1 if said else 0 :][:MOST_ALTERNATIVES]
        if match.similarity >= LEAST_SIMILARITY
        for answer in (said_now.get(prepared.keys[match.row]),)
        if answer is not None
    )
    return AnswerResult(
        question=asked,
        confidence=0.0 if chosen is None else round(confidence, 4),
        answer=chosen if said else None,
        alternatives=tuple(sorted(others, key=lambda other: -other.confidence)),
        claims=() if chosen is None or not said else claims_of(chosen, snapshot),
    )


def _written_for(answer: Answer | None, locale: str | None) -> bool:
    """Tell whether an answer may be said to a locale: its tag is the same, wider (en to en-GB) or narrower.

    One that holds no more is let pass: it is not said, and none other in its place.
    """
    if answer is None or locale is None:
        return True
    one, other = (tag.lower().split("-") for tag in (answer.locale, locale))
    return all(a == b for a, b in zip(one, other, strict=False))


def claims_of(answer: Answer, snapshot: CatalogueSnapshot) -> tuple[Claim, ...]:
    """Return the brand's claims that an answer draws on, in the version in force."""
    known = {claim.key: claim for claim in speaker_of(answer.brand, snapshot.facts).claims}
    return tuple(known[key] for key in answer.claims if key in known)
