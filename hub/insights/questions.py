"""What customers ask, and whether the approved answers had a reply: kept so that the gaps can be told.

    asked -> answered (hub.answers) -> replied; and beside it, not waited for:
                |
                +- a preview, Global Privacy Control, or analytics refused: nothing is kept
                +- answered surely: that it was, without a word of the question
                +- not answered, or not surely, or soon after an answer: the question, masked
                   (hub.insights.masking), with its vector

With whom it was asked by where that is known, so that an erasure and an export find it; a question of
nobody in particular is kept too. A note that cannot be written costs the customer nothing and is
dropped. Every note ends after `Settings.question_days`.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from pymongo import DESCENDING

from embeddings.cache import CachedEncoder
from hub.answers.model import AnswerResult
from hub.answers.service import AnswerService
from hub.decisions.model import Channel
from hub.errors import TuttiError
from hub.insights.masking import kept
from hub.kit.deadline import within
from hub.kit.ids import new_id
from hub.profiles.model import CustomerRef, Profile, Purpose, refused_analytics
from hub.profiles.profile_codec import refusing
from hub.profiles.service import ProfileService
from hub.store.codecs import vector_from_bson, vector_to_bson
from hub.store.database import Store
from hub.store.faults import store_faults

SURE = 0.75  # an answer that is said with less is likely enough wrong to be looked at
AGAIN = timedelta(minutes=30)  # who asks something else so soon was not helped, or not yet
MOST_WAITING = 200  # notes that are being written at once; more are dropped
SECONDS = 5.0  # that one may take
TOGETHER = 5_000  # profiles that are looked up at once

log = structlog.get_logger(__name__)


class Reply(StrEnum):
    """How a question fared."""

    ANSWERED = "ANSWERED"
    DOUBTFUL = "DOUBTFUL"
    UNANSWERED = "UNANSWERED"


@dataclass(frozen=True, slots=True, eq=False)
class AskedQuestion:
    """A question that was kept.

    `text` is masked, with its (d,) float32 vector by the encoder `encoder_id`; None where it was answered
    surely. `after` is the key of the answer that the same customer was given within `AGAIN` before.
    """

    id: str
    at: datetime
    channel: str
    reply: Reply
    answer_key: str | None
    profile_id: str | None = None
    text: str | None = None
    vector: NDArray[np.float32] | None = None
    encoder_id: str = ""
    after: str | None = None


class QuestionRepository:
    """Reads and writes `questions`."""

    def __init__(self, store: Store) -> None:
        self._questions = store.db["questions"]
        self._profiles = store.db["profiles"]

    async def add(self, question: AskedQuestion, *, same: str, expires_at: datetime) -> None:
        """Keep a question; `same` is alike for questions that are spelled alike.

        An erasure that removed the customer meanwhile removes what it could not see, here.
        """
        document: dict[str, Any] = {
            "_id": question.id,
            "at": question.at,
            "channel": question.channel,
            "reply": question.reply.value,
            "answer": question.answer_key,
            "same": same,
            "expires_at": expires_at,
        }
        optional: dict[str, Any] = {
            "profile_id": question.profile_id,
            "text": question.text,
            "vector": None if question.vector is None else vector_to_bson(question.vector),
            "encoder": question.encoder_id or None,
            "after": question.after,
        }
        with store_faults():
            await self._questions.insert_one(
                document | {name: value for name, value in optional.items() if value is not None}
            )
            whose = question.profile_id
            if whose is not None and not await self._profiles.count_documents({"_id": whose}, limit=1):
                await self._questions.delete_one({"_id": question.id})

    async def before(self, profile_id: str, *, at: datetime, same: str) -> str | None:
        """Return the answer that a customer was given last, within `AGAIN`, to another question."""
        query = {"profile_id": profile_id, "at": {"$gt": at - AGAIN, "$lte": at}}
        with store_faults():
            async for found in self._questions.find(query).sort([("at", DESCENDING), ("_id", DESCENDING)]):
                if found["same"] != same:
                    answer: str | None = found["answer"]
                    return answer
        return None

    async def since(self, at: datetime, *, most: int) -> AsyncIterator[AskedQuestion]:
        """Yield what was asked since an instant, the latest first."""
        with store_faults():
            found = self._questions.find({"at": {"$gte": at}}).sort([("at", DESCENDING)]).limit(most)
            async for document in found:
                yield AskedQuestion(
                    id=document["_id"],
                    at=document["at"],
                    channel=document["channel"],
                    reply=Reply(document["reply"]),
                    answer_key=document["answer"],
                    profile_id=document.get("profile_id"),
                    text=document.get("text"),
                    vector=vector_from_bson(document["vector"]) if "vector" in document else None,
                    encoder_id=document.get("encoder", ""),
                    after=document.get("after"),
                )

    async def customers(self, profile_ids: Iterable[str]) -> dict[str, str]:
        """Return which customer each profile is today; who refuses analytics by now is left out."""
        ids, found = sorted(set(profile_ids)), dict[str, str]()
        for start in range(0, len(ids), TOGETHER):
            part = ids[start : start + TOGETHER]
            query = {
                "$or": [{"_id": {"$in": part}}, {"former_ids": {"$in": part}}],
                "merged_into": None,
                "$nor": [refusing(Purpose.ANALYTICS)],
            }
            with store_faults():
                async for row in self._profiles.find(query, {"former_ids": 1}):
                    found |= dict.fromkeys([row["_id"], *row.get("former_ids", ())], row["_id"])
        return found


class QuestionService:
    """Answers questions, and keeps what the house can learn of them."""

    def __init__(
        self,
        store: Store,
        answers: AnswerService,
        profiles: ProfileService,
        encoder: CachedEncoder,
        *,
        days: int,
    ) -> None:
        """Take what answers and who asks, and for how many days a note is kept."""
        self._repository = QuestionRepository(store)
        self._answers = answers
        self._profiles = profiles
        self._encoder = encoder
        self._kept = timedelta(days=days)
        self._writing: set[asyncio.Task[None]] = set()

    async def ask(
        self,
        question: str,
        *,
        at: datetime,
        who: CustomerRef | None = None,
        channel: Channel | None = None,
        keep: bool = True,
        locale: str | None = None,
    ) -> AnswerResult:
        """Return the reply to a question, and begin to note how it fared.

        Args:
            question: in the customer's words.
            at: the instant; answers hold for a time.
            who: who asks, if that is known; it changes nothing of the reply.
            channel: where; it changes nothing of the reply either.
            keep: False for a preview, and where nothing may be kept.
            locale: what the answer has to be written for; None: whichever.

        Raises:
            InvalidInput, Unavailable: as `AnswerService.answer`; then nothing is kept.
        """
        result = await self._answers.answer(question, at=at, locale=locale)
        if keep and len(self._writing) < MOST_WAITING:
            task = asyncio.create_task(self._note(result, at, who, channel))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        return result

    async def settle(self) -> None:
        """Wait until what was begun is noted: for whoever reads it next, and before the store is closed."""
        await asyncio.gather(*self._writing)

    async def _note(
        self, result: AnswerResult, at: datetime, who: CustomerRef | None, channel: Channel | None
    ) -> None:
        try:
            await within(SECONDS, self._write(result, at, who, channel))
        except (TuttiError, TimeoutError) as error:  # without the question, which may be personal
            log.warning("a question is not kept", reason=type(error).__name__)

    async def _write(
        self, result: AnswerResult, at: datetime, who: CustomerRef | None, channel: Channel | None
    ) -> None:
        profile = None if who is None else await self._profiles.find(who, keep=False)
        if profile is not None and refused_analytics(profile):
            return
        same = _digest(result.question)
        after = None if profile is None else await self._repository.before(profile.id, at=at, same=same)
        reply = reply_of(result)
        text: str | None = None
        vector: NDArray[np.float32] | None = None
        if reply is not Reply.ANSWERED or after is not None:
            text = kept(result.question, profile)
            vector = await self._encoder.vector(text, keep=False)
        await self._repository.add(
            AskedQuestion(
                id=new_id("ask"),
                at=at,
                channel="" if channel is None else channel.value,
                reply=reply,
                answer_key=None if result.answer is None else result.answer.key,
                profile_id=_profile_id(profile),
                text=text,
                vector=vector,
                encoder_id="" if vector is None else self._encoder.id,
                after=after,
            ),
            same=same,
            expires_at=at + self._kept,
        )


def reply_of(result: AnswerResult) -> Reply:
    """Return how a question fared."""
    if result.answer is None:
        return Reply.UNANSWERED
    return Reply.ANSWERED if result.confidence >= SURE else Reply.DOUBTFUL


def _profile_id(profile: Profile | None) -> str | None:
    return None if profile is None else profile.id


def _digest(question: str) -> str:
    """Return a few letters that are alike for the same question: enough to know a page that was loaded again."""
    return hashlib.sha256(question.casefold().encode()).hexdigest()[:8]
