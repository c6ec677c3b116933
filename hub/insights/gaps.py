"""What is asked and not answered: questions that were kept, put to today's answers and grouped by meaning.

    gaps          what no approved answer meets today; an answer approved since closes its gap
    doubtful      what is answered today, but with so little confidence that somebody should look. A group
                  in which some wordings have no answer and some a doubtful one is what most of it is
    asked again   answers after which customers asked something else within half an hour

Wordings are grouped by their vectors (hub.insights.grouping). Each group is of at
least `SMALLEST_GROUP` askers: customers, each counted once; what nobody in particular asked counts once a day in
one spelling. Its example is told without the words that fewer used (hub.insights.masking).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from embeddings.cache import CachedEncoder
from hub.answers.model import Alternative, AnswerResult
from hub.answers.service import AnswerService
from hub.catalogue.model import Answer
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.insights.grouping import grouped
from hub.insights.masking import common_words, hidden, house_words, told
from hub.insights.questions import AskedQuestion, QuestionRepository, Reply, reply_of
from hub.insights.similar import SMALLEST_GROUP
from hub.kit.clock import Clock
from hub.store.database import Store

MOST_READ = 50_000  # questions, the latest
MOST_WORDINGS = 4_000  # that are grouped, those of most askers; 64 MB of cosines
ENCODED_TOGETHER = 256


@dataclass(frozen=True, slots=True)
class QuestionGap:
    """What so many askers asked so many times; `nearest` are approved answers, the likeliest first.

    `reply` is how most of the group fare today: UNANSWERED or DOUBTFUL.
    """

    reply: Reply
    wording: str
    customers: int
    times: int
    wordings: int
    last_asked_at: datetime
    nearest: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """Of so many customers who were given an answer, so many asked something else soon after."""

    answer: Answer
    customers: int
    again: int

    @property
    def share(self) -> float:
        """The part of the customers that asked again."""
        return self.again / self.customers


@dataclass(frozen=True, slots=True)
class ContentGaps:
    """What was asked since an instant: how often, how often in vain, and what is missing."""

    since: datetime
    questions: int
    unanswered: int
    gaps: tuple[QuestionGap, ...]
    doubtful: tuple[QuestionGap, ...]
    asked_again: tuple[AskedAgain, ...]


@dataclass(slots=True, eq=False)
class _Wording:
    """One spelling: who asked it, how often, when last."""

    text: str
    vector: NDArray[np.float32]
    askers: set[str]
    times: int
    last: datetime


class GapService:
    """Tells what is asked and not answered."""

    def __init__(
        self,
        store: Store,
        answers: AnswerService,
        encoder: CachedEncoder,
        snapshot: Callable[[], CatalogueSnapshot],
        clock: Clock,
    ) -> None:
        self._repository = QuestionRepository(store)
        self._answers = answers
        self._encoder = encoder
        self._snapshot = snapshot
        self._clock = clock

    async def gaps(self, *, days: int) -> ContentGaps:
        """Return what was asked in so many days and has no answer, or hardly one.

        Raises:
            Unavailable: the store or the encoder does not answer, or the answers are being prepared.
        """
        now = self._clock.now()
        since = now - timedelta(days=days)
        asked = await self._asked(since)
        wordings = await self._wordings(asked)
        await self._answers.prepare(now)
        judged = await self._answers.judge([(each.text, each.vector) for each in wordings], at=now)
        common = common_words({each.text: each.askers for each in wordings})
        known = common | house_words(self._snapshot())
        unsure = [number for number, result in enumerate(judged) if reply_of(result) is not Reply.ANSWERED]
        found = await asyncio.to_thread(
            gaps_in, [wordings[number] for number in unsure], [judged[number] for number in unsure], known
        )
        return ContentGaps(
            since=since,
            questions=len(asked),
            unanswered=sum(1 for question in asked if question.reply is Reply.UNANSWERED),
            gaps=tuple(gap for gap in found if gap.reply is Reply.UNANSWERED),
            doubtful=tuple(gap for gap in found if gap.reply is Reply.DOUBTFUL),
            asked_again=asked_again(asked, {answer.key: answer for answer in self._snapshot().answers}),
        )

    async def _asked(self, since: datetime) -> list[AskedQuestion]:
        """Return what was asked, by the customers as they are today, without those who refuse analytics."""
        read = [question async for question in self._repository.since(since, most=MOST_READ)]
        known = {question.profile_id for question in read if question.profile_id is not None}
        customers = await self._repository.customers(known)
        return [
            question
            if question.profile_id is None
            else replace(question, profile_id=customers[question.profile_id])
            for question in read
            if question.profile_id is None or question.profile_id in customers
        ]

    async def _wordings(self, asked: Sequence[AskedQuestion]) -> list[_Wording]:
        """Return the spellings that were kept, those of most askers first; one of another encoder is encoded again."""
        found: dict[str, _Wording] = {}
        stale: set[str] = set()
        for question in asked:
            if question.text is None or question.vector is None:
                continue
            spelled = " ".join(question.text.casefold().split()).rstrip("?!. ")
            known = found.get(spelled)
            if known is None:
                known = found[spelled] = _Wording(question.text, question.vector, set(), 0, question.at)
                if question.encoder_id != self._encoder.id:
                    stale.add(spelled)
            known.askers.add(question.profile_id or f"{question.at:%Y-%m-%d} {spelled}")
            known.times += 1
        most = sorted(found, key=lambda spelled: (-len(found[spelled].askers), spelled))[:MOST_WORDINGS]
        again = [found[spelled] for spelled in most if spelled in stale]
        for start in range(0, len(again), ENCODED_TOGETHER):
            part = again[start : start + ENCODED_TOGETHER]
            vectors = await self._encoder.vectors([each.text for each in part], keep=False)
            for each, vector in zip(part, vectors, strict=True):
                each.vector = vector
        return [found[spelled] for spelled in most]


def gaps_in(
    wordings: Sequence[_Wording], judged: Sequence[AnswerResult], known: frozenset[str]
) -> tuple[QuestionGap, ...]:
    """Return groups of wordings with at least `SMALLEST_GROUP` askers, those of most askers first."""
    if not wordings:
        return ()
    vectors = np.stack([each.vector for each in wordings])
    weights = np.array([len(each.askers) for each in wordings], np.float64)
    found = []
    for group in grouped(vectors, weights):
        askers = {asker for member in group for asker in wordings[member].askers}
        if len(askers) < SMALLEST_GROUP:
            continue
        typical = vectors[group] @ (weights[group] @ vectors[group])
        vain = sum(weights[member] for member in group if judged[member].answer is None)
        order = [group[place] for place in np.argsort(-typical, kind="stable")]
        found.append(
            QuestionGap(
                reply=Reply.UNANSWERED if 2 * vain >= weights[group].sum() else Reply.DOUBTFUL,
                wording=min((told(wordings[member].text, known) for member in order), key=hidden),
                customers=len(askers),
                times=sum(wordings[member].times for member in group),
                wordings=len(group),
                last_asked_at=max(wordings[member].last for member in group),
                nearest=_nearest(judged[order[0]]),
            )
        )
    return tuple(sorted(found, key=lambda gap: (-gap.customers, -gap.times, gap.wording)))


def asked_again(asked: Sequence[AskedQuestion], answers: Mapping[str, Answer]) -> tuple[AskedAgain, ...]:
    """Return the answers after which at least `SMALLEST_GROUP` customers asked again, the least helpful first."""
    given: dict[str, set[str]] = defaultdict(set)
    again: dict[str, set[str]] = defaultdict(set)
    for question in asked:
        if question.profile_id is None:
            continue
        if question.answer_key is not None:
            given[question.answer_key].add(question.profile_id)
        if question.after is not None:
            again[question.after].add(question.profile_id)
    found = [
        AskedAgain(answers[key], len(given[key] | who), len(who))
        for key, who in again.items()
        if len(who) >= SMALLEST_GROUP and key in answers
    ]
    return tuple(sorted(found, key=lambda each: (-each.share, -each.again, each.answer.key)))


def _nearest(result: AnswerResult) -> tuple[Alternative, ...]:
    if result.answer is None:
        return result.alternatives
    said = Alternative(result.answer.key, result.answer.title, result.confidence, result.answer)
    return (said, *result.alternatives)
